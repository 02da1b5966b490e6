// Words for people: requests, events and keys of a recording, with short names for long ids.
#pragma once

#include <string>
#include <string_view>

#include "simulator/recording/recording.h"

namespace matrix::simulator {

/// Seconds with six digits behind the point: "12.000345".
std::string in_seconds(std::int64_t us);

/// The same text, in which ids of events and rooms that the recording knows are short names.
std::string with_names(const Recording& recording, std::string_view text);

/// "PUT send/12" of the target of an endpoint, percent-decoded, with short names.
std::string describe_request(const Recording& recording, std::string_view what);

/// `m.room.topic ""`, or the type alone.
std::string describe_key(const Event& event);
std::string describe_key(const StateKey& key);

/// `s3:12 m.room.topic "" by @user0:s3.test`.
std::string describe_event(const Recording& recording, Index event);

/// What became of an event: "accepted", "soft-failed", "rejected", "outlier", "redacted".
std::string describe_verdict(const RecordedStoring& storing);

/// Names with blanks between them; those beyond the first `most` are counted.
std::string list_names(const Recording& recording, const std::vector<Index>& events, Index most);

/// What differs between two states: `m.room.topic "" = s3:12 (was s1:4)`, with commas between.
std::string describe_differences(const Recording& recording,
                                 const State& before,
                                 const State& after,
                                 Index most);

}  // namespace matrix::simulator
