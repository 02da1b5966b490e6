#include "refserver/storage/media.h"

#include <algorithm>

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

/// Of one row: SQLite reads a row as a whole.
constexpr std::size_t kSliceBytes = 256 * 1024;

Sha256 read_media_hash(const Row& row, int column) {
    const std::string_view bytes = row.view(column);
    Sha256 hash;
    MATRIX_ASSERT(bytes.size() == hash.size());
    std::ranges::copy(bytes, hash.begin());
    return hash;
}

// Of the columns hash, bytes and content type, from `first` on.
MediaFile read_file(const Row& row, int first) {
    return {read_media_hash(row, first), row.integer(first + 1), row.text(first + 2)};
}

}  // namespace

std::optional<Media> MediaStore::find(std::string_view media_id) const {
    return turns_.database().find(
        "SELECT user_id, file_name, hash, bytes, content_type FROM media WHERE media_id = ?1",
        {media_id},
        [](const Row& row) {
            Media media{UserId(row.text(0)), row.maybe_text(1), std::nullopt};
            if (!row.is_null(2)) media.file = read_file(row, 2);
            return media;
        });
}

void MediaStore::reserve(std::string_view media_id,
                         const UserId& uploader,
                         std::int64_t created_ts) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO media (media_id, user_id, created_ts) VALUES (?1, ?2, ?3)",
        {media_id, uploader.text(), created_ts});
}

MediaFile MediaStore::put_file(std::string_view content_type, std::string_view bytes) {
    MediaFile file{
        sha256(bytes), static_cast<std::int64_t>(bytes.size()), std::string(content_type)};
    for (std::int64_t slice = 0; !bytes.empty(); ++slice) {
        const std::string_view part = bytes.substr(0, kSliceBytes);
        bytes.remove_prefix(part.size());
        turns_.database().execute("INSERT OR IGNORE INTO media_slices VALUES (?1, ?2, ?3)",
                                  {Binding::blob(view(file.hash)), slice, Binding::blob(part)});
    }
    return file;
}

void MediaStore::upload(std::string_view media_id,
                        const std::optional<std::string>& file_name,
                        std::string_view content_type,
                        std::string_view bytes) {
    turns_.begin_unit();
    const MediaFile file = put_file(content_type, bytes);
    turns_.database().execute(
        "UPDATE media SET file_name = ?2, hash = ?3, bytes = ?4, content_type = ?5"
        " WHERE media_id = ?1",
        {media_id, file_name, Binding::blob(view(file.hash)), file.bytes, file.content_type});
}

void MediaStore::put_thumbnail(std::string_view media_id,
                               Thumbnail thumbnail,
                               std::string_view bytes) {
    turns_.begin_unit();
    thumbnail.file = put_file(thumbnail.file.content_type, bytes);
    turns_.database().execute(
        "INSERT OR REPLACE INTO media_thumbnails VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        {media_id,
         thumbnail.width,
         thumbnail.height,
         static_cast<int>(thumbnail.method),
         thumbnail.is_animated,
         Binding::blob(view(thumbnail.file.hash)),
         thumbnail.file.bytes,
         thumbnail.file.content_type});
}

std::vector<Thumbnail> MediaStore::list_thumbnails(std::string_view media_id) const {
    std::vector<Thumbnail> thumbnails;
    turns_.database().query(
        "SELECT width, height, method, is_animated, hash, bytes, content_type"
        " FROM media_thumbnails WHERE media_id = ?1 ORDER BY width * height, width, method",
        {media_id},
        [&](const Row& row) {
            thumbnails.push_back({row.integer(0),
                                  row.integer(1),
                                  static_cast<ThumbnailMethod>(row.integer(2)),
                                  row.integer(3) != 0,
                                  read_file(row, 4)});
            return true;
        });
    return thumbnails;
}

std::optional<std::string> MediaStore::load(const MediaFile& file) const {
    std::string bytes;
    bytes.reserve(static_cast<std::size_t>(file.bytes));
    turns_.database().query("SELECT bytes FROM media_slices WHERE hash = ?1 ORDER BY slice",
                            {Binding::blob(view(file.hash))},
                            [&](const Row& row) {
                                bytes += row.view(0);
                                return true;
                            });
    if (std::cmp_not_equal(bytes.size(), file.bytes)) return std::nullopt;
    return bytes;
}

}  // namespace matrix::storage
