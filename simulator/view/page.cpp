#include "simulator/view/page.h"

#include "refserver/pages/html.h"
#include "simulator/view/page_data.h"
#include "simulator/view/page_files.h"

namespace matrix::simulator {
namespace {

// Within a script element no `<` may stand that could begin a tag.
std::string write_for_script(const json::Object& data) {
    const std::string text = json::write(data);
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        if (c == '<') {
            escaped += "\\u003c";
        } else {
            escaped += c;
        }
    }
    return escaped;
}

}  // namespace

std::string write_page(const Recording& recording,
                       const RunFacts& facts,
                       const std::string& title) {
    std::string body(page_files::kHtml);
    body += "<script type=\"application/json\" id=\"data\">";
    body += write_for_script(make_page_data(recording, facts));
    body += "</script>\n";
    return pages::page(title, body, page_files::kStyle, page_files::kScript);
}

}  // namespace matrix::simulator
