// What the files of faults share, and their tables: one file for each family.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {

inline constexpr std::int64_t kFaultMsMost = 24 * 3'600'000;

inline constexpr Parameter kForMs{.name = kDurationParameter,
                                  .kind = ParameterKind::Integer,
                                  .meaning = "How long.",
                                  .least = 1,
                                  .most = kFaultMsMost};
inline constexpr Parameter kAtServer{"server", ParameterKind::Server, "Where."};

inline constexpr std::array kServerAlone = {kAtServer};
inline constexpr std::array kServerForAWhile = {kAtServer, kForMs};

/// What proxies in front of servers answer in their place.
inline constexpr std::array<std::string_view, 5> kProxyStatuses = {
    "429", "500", "502", "503", "504"};

std::span<const Verb> network_faults();
std::span<const Verb> name_faults();
std::span<const Verb> process_faults();
std::span<const Verb> disk_faults();
std::span<const Verb> clock_faults();
std::span<const Verb> key_faults();
std::span<const Verb> fault_points();

/// Sets the network's troubles to what the active faults of links and names make of them.
void refresh_network(World& world);
/// The troubles of names: certificates and well-known documents.
void add_name_troubles(World& world, std::vector<LinkTrouble>& troubles);

/// Which servers the active faults of one verb concern, by their parameter `server`.
bool is_active_at(const World& world, std::string_view verb, std::string_view server);

/// The servers of a list parameter; empty: all hosts.
std::vector<int> hosts_of(const World& world, const Step& step, std::string_view parameter);

}  // namespace matrix::simulator
