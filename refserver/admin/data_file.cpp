#include "refserver/admin/data_file.h"

#include <fstream>
#include <iterator>

namespace matrix::admin {

std::expected<ServerName, std::string> read_server_name(const std::string& folder) {
    const std::string path = folder + "/" + kNameFile;
    std::ifstream file(path);
    const std::string name{std::istreambuf_iterator<char>(file), {}};
    if (!file) return std::unexpected("cannot read " + path + ": it is no server's folder");
    if (!parse_server_name(name)) return std::unexpected(path + " holds no server name");
    return ServerName(name);
}

}  // namespace matrix::admin
