// How a file of somebody's is announced to browsers: nothing in it may run as a page of ours.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace matrix::engine {

struct MediaHeaders {
    std::string content_type;
    /// `inline` for types that no browser runs, `attachment` for all others.
    std::string content_disposition;
};

/// Of a type as the uploader wrote it, in any case and with any blanks; one that is no media type
/// becomes application/octet-stream. Both values are safe as header fields.
MediaHeaders headers_of_media(std::string_view content_type,
                              const std::optional<std::string>& file_name);

/// Letters, digits, `_` and `-`, at most 255 of them: all that an id in an mxc: URI may have.
bool is_media_id(std::string_view text);

}  // namespace matrix::engine
