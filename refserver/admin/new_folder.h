// NewFolder: a folder that is made as a whole or not at all.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace matrix::admin {

/// It has the name of the wanted folder with `.partial` behind it until `finish`, and is removed
/// with this object if that does not come.
class NewFolder {
public:
    /// `wanted` must not exist, or be an empty folder. The error is a sentence.
    static std::expected<NewFolder, std::string> make(const std::string& wanted);
    NewFolder(NewFolder&& other) noexcept;
    NewFolder& operator=(NewFolder&&) = delete;
    ~NewFolder();

    /// Absolute, as are the others.
    std::string path_of(std::string_view name) const;
    /// Durable with `finish`.
    std::expected<void, std::string> write(std::string_view name, std::string_view bytes);
    /// Gives the folder its name; durable. What is in it must be so.
    std::expected<void, std::string> finish();
    const std::string& wanted() const { return wanted_; }

private:
    explicit NewFolder(std::string wanted) : wanted_(std::move(wanted)) {}
    std::string partial() const { return wanted_ + ".partial"; }

    std::string wanted_;
    bool is_unfinished_ = true;
};

}  // namespace matrix::admin
