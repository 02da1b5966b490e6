#include "refserver/commands/load.h"

#include <utility>

#include "refserver/base/result_macros.h"

namespace matrix::commands {

std::expected<std::vector<std::vector<RoomCase>>, InputError> load_files(
    const InputOptions& input) {
    std::vector<std::vector<RoomCase>> files;
    for (const std::string& name : input.files) {
        ASSIGN_OR_RETURN(const std::string text, read_input(name));
        ASSIGN_OR_RETURN(auto rooms, read_rooms(text, display_name(name), input.format));
        files.push_back(std::move(rooms));
    }
    return files;
}

std::expected<std::vector<RoomFile>, InputError> load_one_room(const InputOptions& input) {
    ASSIGN_OR_RETURN(auto files, load_files(input));
    std::vector<RoomFile> parts;
    for (std::size_t index = 0; index < files.size(); ++index) {
        if (files[index].size() != 1) {
            return std::unexpected(
                InputError{{.file = display_name(input.files[index])},
                           "cases",
                           "one room, not " + std::to_string(files[index].size()) + " cases"});
        }
        parts.push_back(std::move(files[index].front().room));
    }
    return parts;
}

}  // namespace matrix::commands
