// MediaStore: what our users have uploaded, and thumbnails of it.
//
// Bytes are in the database, by their hash and in slices: an upload and what is said of it are
// durable together, equal files are stored once, and a copy of the database is a copy of all.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#content-repository
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/sha256.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// A file: its bytes, by their hash, and what it was said to be.
struct MediaFile {
    Sha256 hash{};
    std::int64_t bytes = 0;
    std::string content_type;  ///< As the uploader wrote it.
};

struct Media {
    UserId uploader;
    std::optional<std::string> file_name;
    std::optional<MediaFile> file;  ///< Nothing: the id was given, and nothing uploaded yet.
};

enum class ThumbnailMethod { Scale, Crop };

struct Thumbnail {
    std::int64_t width = 0;
    std::int64_t height = 0;
    ThumbnailMethod method = ThumbnailMethod::Scale;
    bool is_animated = false;
    MediaFile file;
};

class MediaStore {
public:
    explicit MediaStore(Turns& turns) : turns_(turns) {}

    std::optional<Media> find(std::string_view media_id) const;
    /// An id for something to come. The id is new.
    void reserve(std::string_view media_id, const UserId& uploader, std::int64_t created_ts);
    /// What has come for an id that was reserved.
    void upload(std::string_view media_id,
                const std::optional<std::string>& file_name,
                std::string_view content_type,
                std::string_view bytes);
    /// Of media that are uploaded.
    void put_thumbnail(std::string_view media_id, Thumbnail thumbnail, std::string_view bytes);
    /// The smallest first.
    std::vector<Thumbnail> list_thumbnails(std::string_view media_id) const;

    /// Nothing while the disk fails.
    std::optional<std::string> load(const MediaFile& file) const;

private:
    MediaFile put_file(std::string_view content_type, std::string_view bytes);
    Turns& turns_;
};

}  // namespace matrix::storage
