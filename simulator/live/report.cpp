#include "simulator/live/report.h"

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"

namespace matrix::live {
namespace {

constexpr std::size_t kNotesMax = 50;
constexpr std::size_t kColumn = 52;

// A counter's name may be indented: a part of the one before it.
std::string without_indent(const std::string& what) {
    return what.substr(what.find_first_not_of(' '));
}

std::string padded(std::string text, std::uint64_t number) {
    const std::string digits = std::to_string(number);
    const std::size_t width = text.size() + digits.size();
    text.append(width < kColumn ? kColumn - width : 1, ' ');
    return "  " + text + digits + "\n";
}

}  // namespace

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return "passed";
        case Outcome::FailedCheck:
            return "failed-check";
        case Outcome::Usage:
            return "usage";
        case Outcome::Inconclusive:
            return "inconclusive";
        case Outcome::Stuck:
            return "stuck";
    }
    unreachable();
}

void Report::add(Finding finding) {
    const std::lock_guard lock(mutex_);
    if (++findings_by_check_[finding.check] > kFindingsPerCheckMax) return;
    findings_.push_back(std::move(finding));
}

void Report::note(std::string text) {
    const std::lock_guard lock(mutex_);
    if (notes_.size() < kNotesMax) notes_.push_back(std::move(text));
}

void Report::count(const std::string& what, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto [counter, is_new] = counts_.emplace(what, 0);
    if (is_new) order_.push_back(what);
    counter->second += number;
}

void Report::demand(const std::string& what, std::uint64_t least) {
    const std::lock_guard lock(mutex_);
    demands_[what] = least;
}

void Report::say_stuck(std::string why) {
    const std::lock_guard lock(mutex_);
    stuck_.push_back(std::move(why));
}

std::vector<std::string> Report::list_unmet() const {
    std::vector<std::string> unmet;
    for (const auto& [what, least] : demands_) {
        const auto counted = counts_.find(what);
        const std::uint64_t number = counted == counts_.end() ? 0 : counted->second;
        if (number >= least) continue;
        unmet.push_back(without_indent(what) + ": " + std::to_string(number) + ", at least " +
                        std::to_string(least) + " expected");
    }
    return unmet;
}

Outcome Report::outcome_locked() const {
    if (!findings_.empty()) return Outcome::FailedCheck;
    if (!stuck_.empty()) return Outcome::Stuck;
    return list_unmet().empty() ? Outcome::Passed : Outcome::Inconclusive;
}

Outcome Report::outcome() const {
    const std::lock_guard lock(mutex_);
    return outcome_locked();
}

std::vector<Finding> Report::findings() const {
    const std::lock_guard lock(mutex_);
    return findings_;
}

std::string Report::text() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& what : order_)
        text += padded(what, counts_.at(what));
    for (const std::string& note : notes_)
        text += "note: " + note + "\n";
    for (const Finding& finding : findings_) {
        text += "finding (" + finding.check + "): " + finding.what +
                "\n  https://spec.matrix.org/v1.19/" + finding.place + "\n  " + finding.evidence +
                "\n";
    }
    for (const auto& [check, number] : findings_by_check_) {
        if (number <= kFindingsPerCheckMax) continue;
        text += "and " + std::to_string(number - kFindingsPerCheckMax) + " more of " + check + "\n";
    }
    for (const std::string& why : stuck_)
        text += "stuck: " + why + "\n";
    for (const std::string& what : list_unmet())
        text += "too little happened: " + what + "\n";
    return text + std::string(name_of(outcome_locked())) + "\n";
}

std::string Report::json(const std::map<std::string, std::string>& about) const {
    const std::lock_guard lock(mutex_);
    json::Object object;
    for (const auto& [name, value] : about)
        object.set(name, value);
    json::Object counts;
    for (const auto& [what, number] : counts_)
        counts.set(without_indent(what), static_cast<std::int64_t>(number));
    json::Array findings;
    for (const Finding& finding : findings_) {
        findings.push_back(json::Object{{"check", finding.check},
                                        {"evidence", finding.evidence},
                                        {"place", finding.place},
                                        {"what", finding.what}});
    }
    json::Array notes;
    for (const std::string& note : notes_)
        notes.emplace_back(note);
    json::Array stuck;
    for (const std::string& why : stuck_)
        stuck.emplace_back(why);
    json::Array unmet;
    for (const std::string& what : list_unmet())
        unmet.emplace_back(what);
    object.set("counts", std::move(counts));
    object.set("findings", std::move(findings));
    object.set("notes", std::move(notes));
    object.set("outcome", name_of(outcome_locked()));
    object.set("stuck", std::move(stuck));
    object.set("too_little", std::move(unmet));
    return json::write(object) + "\n";
}

}  // namespace matrix::live
