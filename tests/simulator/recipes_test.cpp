// Recipes for batch engines: their YAML is well-formed and has what the engine needs, and the
// simulator takes their commands.

#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "simulator/commands/command_line.h"

namespace matrix::simulator {
namespace {

const std::string kFolder = "simulator/recipes/";

std::string read(const std::string& name) {
    std::ifstream in(kFolder + name);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

using Variables = std::map<std::string, std::string>;

// The sweep in a script, with variables as the engine would set them, as a command.
SweepCommand sweep_of(std::string script, const Variables& variables) {
    script.erase(0, std::min(script.rfind("simulator sweep"), script.size()));
    for (const auto& [name, value] : variables) {
        const std::regex mention(R"(\$\{\{ )" + name + R"( \}\}|\$)" + name + "|\\$\\{" + name +
                                 "\\}");
        script = std::regex_replace(script, mention, value);
        setenv(name.c_str(), value.c_str(), 1);
    }
    std::erase(script, '"');
    std::istringstream words(script);
    std::vector<std::string> arguments;
    for (std::string word; words >> word && word != "$@";)
        arguments.push_back(word);
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    versions::Registrations room_versions;
    auto parsed =
        parse_command_line(static_cast<int>(pointers.size()), pointers.data(), room_versions);
    for (const auto& [name, value] : variables)
        unsetenv(name.c_str());
    const Command* command = std::get_if<Command>(&parsed);
    EXPECT_NE(command, nullptr) << script;
    return command == nullptr ? SweepCommand{} : std::get<SweepCommand>(*command);
}

TEST(Recipes, Kubernetes) {
    const YAML::Node job = YAML::Load(read("kubernetes.yaml"));
    EXPECT_EQ(job["kind"].as<std::string>(), "Job");
    EXPECT_EQ(job["spec"]["completionMode"].as<std::string>(), "Indexed");
    const YAML::Node pod = job["spec"]["template"]["spec"];
    // What SIGTERM needs is less than what Kubernetes waits.
    EXPECT_GE(pod["terminationGracePeriodSeconds"].as<int>(), 10);
    const auto script = pod["containers"][0]["command"][2].as<std::string>();
    const SweepCommand sweep = sweep_of(script, {{"JOB_COMPLETION_INDEX", "15"}});
    EXPECT_EQ(sweep.shard.shard, (Shard{15, job["spec"]["completions"].as<std::uint64_t>()}));
    EXPECT_EQ(sweep.records_file, "/records/sweep.15.jsonl");
}

TEST(Recipes, GitHub) {
    const YAML::Node job = YAML::Load(read("github.yml"))["jobs"]["sweep"];
    const YAML::Node shards = job["strategy"]["matrix"]["shard"];
    EXPECT_FALSE(job["strategy"]["fail-fast"].as<bool>());
    const auto script = job["steps"][2]["run"].as<std::string>();
    for (std::size_t index = 0; index < shards.size(); ++index) {
        const SweepCommand sweep =
            sweep_of(script,
                     {{"github.sha", "4879fa5a84314879fa5a84314879fa5a84314879"},
                      {"matrix.shard", shards[index].as<std::string>()}});
        EXPECT_EQ(sweep.shard.shard, (Shard{index, shards.size()}));
        EXPECT_EQ(sweep.seeds.size(), 1001u);
    }
}

TEST(Recipes, GitLab) {
    const YAML::Node file = YAML::Load(read("gitlab.yml"));
    const YAML::Node job = file["sweep"];
    const SweepCommand sweep = sweep_of(job["script"][0].as<std::string>(),
                                        {{"CI_COMMIT_SHA", "4879fa5a84314879fa5a84314879fa5a8431"},
                                         {"CI_NODE_INDEX", "2"},
                                         {"CI_NODE_TOTAL", job["parallel"].as<std::string>()}});
    EXPECT_EQ(sweep.shard.shard, (Shard{1, 4}));
    EXPECT_EQ(sweep.records_file, "sweep.2.jsonl");
    EXPECT_EQ(file["merge"]["needs"][0].as<std::string>(), "sweep");
}

TEST(Recipes, Slurm) {
    const std::string script = read("slurm.sbatch");
    EXPECT_NE(script.find("\n#SBATCH --array=0-7\n"), std::string::npos);
    const SweepCommand sweep = sweep_of(script,
                                        {{"seeds", "0..9999"},
                                         {"SLURM_CPUS_PER_TASK", "2"},
                                         {"SLURM_ARRAY_TASK_ID", "3"},
                                         {"SLURM_ARRAY_TASK_MIN", "0"},
                                         {"SLURM_ARRAY_TASK_MAX", "7"},
                                         {"SLURM_ARRAY_TASK_COUNT", "8"}});
    EXPECT_EQ(sweep.shard.shard, (Shard{3, 8}));
    EXPECT_EQ(sweep.jobs, 2);
}

}  // namespace
}  // namespace matrix::simulator
