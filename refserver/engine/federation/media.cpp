// GET /_matrix/federation/v1/media/download and /media/thumbnail: what our users have uploaded.
//
// Only media of this server are served here: there is no other server's name in the path, and
// nothing is fetched or cached for whoever asks.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#content-repository

#include <algorithm>
#include <tuple>

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/media_headers.h"
#include "refserver/protocol/base64.h"

namespace matrix::engine {
namespace {

// The two parts: metadata, of which there is none yet, and the file.
Reply multipart_of(const storage::MediaFile& file,
                   const std::optional<std::string>& file_name,
                   std::string_view bytes) {
    // No file holds its own hash, so the boundary is in none.
    const std::string boundary = "media-" + encode_base64_url(view(file.hash));
    const MediaHeaders headers = headers_of_media(file.content_type, file_name);
    Reply reply;
    reply.content_type = "multipart/mixed; boundary=" + boundary;
    reply.written_body = "--" + boundary + "\r\nContent-Type: application/json\r\n\r\n{}\r\n--" +
                         boundary + "\r\nContent-Type: " + headers.content_type +
                         "\r\nContent-Disposition: " + headers.content_disposition + "\r\n\r\n";
    reply.written_body += bytes;
    reply.written_body += "\r\n--" + boundary + "--\r\n";
    return reply;
}

/// Which thumbnail is wanted.
struct ThumbnailWish {
    std::int64_t width = 0;
    std::int64_t height = 0;
    storage::ThumbnailMethod method = storage::ThumbnailMethod::Scale;
    bool may_be_animated = false;
};

Result<ThumbnailWish> parse_thumbnail_wish(const Request& request) {
    for (const std::string_view field : {"width", "height"}) {
        if (!request.find_query(field)) {
            return missing_param(std::string(field) + ": the parameter is required");
        }
    }
    ThumbnailWish wish;
    ASSIGN_OR_RETURN(wish.width, request.integer_query("width", 0, 1));
    ASSIGN_OR_RETURN(wish.height, request.integer_query("height", 0, 1));
    const std::string* method = request.find_query("method");
    if (method && *method != "crop" && *method != "scale") {
        return invalid_param("method: expected \"crop\" or \"scale\"");
    }
    if (method && *method == "crop") wish.method = storage::ThumbnailMethod::Crop;
    ASSIGN_OR_RETURN(wish.may_be_animated, request.boolean_query("animated", false));
    return wish;
}

// The smallest that is large enough, of the right method and animation if there is one; else the
// largest.
const storage::Thumbnail* choose_thumbnail(const std::vector<storage::Thumbnail>& thumbnails,
                                           const ThumbnailWish& wish) {
    const storage::Thumbnail* best = nullptr;
    const auto rank = [&](const storage::Thumbnail& one) {
        const bool is_large_enough = one.width >= wish.width && one.height >= wish.height;
        const std::int64_t area = one.width * one.height;
        return std::tuple(is_large_enough,
                          one.is_animated == wish.may_be_animated,
                          one.method == wish.method,
                          is_large_enough ? -area : area);
    };
    for (const storage::Thumbnail& one : thumbnails) {
        if (one.is_animated && !wish.may_be_animated) continue;
        if (!best || rank(*best) < rank(one)) best = &one;
    }
    return best;
}

}  // namespace

Result<storage::Media> FederationServer::find_media(const std::string& media_id) const {
    auto media = is_media_id(media_id) ? media_.find(media_id) : std::nullopt;
    if (!media) return not_found("there is no such file on this server");
    // UNSPECIFIED: `timeout_ms`: the answer may come before the end of it, and does so at once.
    if (!media->file) {
        return std::unexpected(
            Error{504, "M_NOT_YET_UPLOADED", "nothing has been uploaded for this id yet", {}});
    }
    return *std::move(media);
}

Task<Result<Reply>> FederationServer::download_media(Request request) {
    CO_RETURN_IF_ERROR(request.integer_query("timeout_ms", 0));
    ASSIGN_OR_CO_RETURN(const storage::Media media, find_media(request.path[0]));
    const auto bytes = media_.load(*media.file);
    if (!bytes) co_return internal_error("the file could not be read");
    co_return multipart_of(*media.file, media.file_name, *bytes);
}

Task<Result<Reply>> FederationServer::download_thumbnail(Request request) {
    CO_RETURN_IF_ERROR(request.integer_query("timeout_ms", 0));
    ASSIGN_OR_CO_RETURN(const ThumbnailWish wish, parse_thumbnail_wish(request));
    CO_RETURN_IF_ERROR(find_media(request.path[0]));
    const std::vector<storage::Thumbnail> thumbnails = media_.list_thumbnails(request.path[0]);
    const storage::Thumbnail* chosen = choose_thumbnail(thumbnails, wish);
    // UNIMPLEMENTED: content repository, thumbnails: they are not made here, only given out.
    if (!chosen) co_return bad_request("M_UNKNOWN", "there is no thumbnail of this file");
    const auto bytes = media_.load(chosen->file);
    if (!bytes) co_return internal_error("the thumbnail could not be read");
    co_return multipart_of(chosen->file, std::nullopt, *bytes);
}

}  // namespace matrix::engine
