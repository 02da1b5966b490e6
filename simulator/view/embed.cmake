# Writes OUTPUT, a source file that holds the files of FOLDER as text: cmake -DFOLDER= -DOUTPUT= -P
set(text "// Made by embed.cmake.\n#include \"simulator/view/page_files.h\"\n\n")
string(APPEND text "namespace matrix::simulator::page_files {\n\n")

function(embed name)
    set(content "")
    foreach(file ${ARGN})
        file(READ ${FOLDER}/${file} part)
        string(APPEND content "${part}")
    endforeach()
    # No file holds the delimiter.
    string(APPEND text "const std::string_view ${name} = R\"page(${content})page\";\n")
    set(text "${text}" PARENT_SCOPE)
endfunction()

embed(kHtml view.html)
embed(kStyle view.css)
embed(kScript data.js timeline.js graph.js panels.js main.js)
string(APPEND text "\n}  // namespace matrix::simulator::page_files\n")
file(WRITE ${OUTPUT} "${text}")
