#include "simulator/live/run.h"

#include "refserver/base/result_macros.h"
#include "simulator/live/byzantine.h"
#include "simulator/live/checks.h"
#include "simulator/live/load.h"
#include "simulator/live/settle.h"

namespace matrix::live {
namespace {

void demand_enough(const LiveOptions& options, Report& report) {
    report.demand("rooms settled", 1);
    report.demand("states before events compared", 1);
    report.demand("current states compared", 1);
    report.demand("  shown by the target", 1);
    report.demand("events of the target judged by ours and by the oracle", 1);
    if (options.plan.has_faults) report.demand("faults that struck", 1);
    if (options.has_byzantine) {
        report.demand("good events of Byzantine peers shown", 1);
        report.demand("bad events looked for at the target", 1);
    }
}

}  // namespace

std::expected<void, std::string> run_live(const LiveOptions& options,
                                          Report& report,
                                          const Progress& progress) {
    ASSIGN_OR_RETURN(const auto arena, Arena::open(options, report));
    progress("target " + arena->target().url() + ", " + arena->session().software() + ", named " +
             arena->target().server_name().text());
    demand_enough(options, report);
    if (!arena->furnish()) return {};
    progress("everybody is in " + std::to_string(arena->rooms().size()) + " rooms");

    Byzantine byzantine(*arena);
    const bool has_byzantine = options.has_byzantine && byzantine.join_all();
    Load load(*arena);
    PlanOptions plan = options.plan;
    plan.rooms = static_cast<int>(arena->rooms().size());
    int number = 0;
    for (const Round& round : draw_plan(plan)) {
        progress("round " + std::to_string(++number) + " of " +
                 std::to_string(options.plan.rounds) + ": " + round.shape);
        load.run(round);
        if (has_byzantine) byzantine.misbehave();
    }
    progress("the links are healed");
    Evidence evidence;
    evidence.ends = settle(*arena);
    evidence.acknowledged = load.acknowledged();
    evidence.planted = byzantine.planted();
    report.count("faults that struck", arena->faults().counts().total());
    check_all(*arena, evidence);
    return {};
}

}  // namespace matrix::live
