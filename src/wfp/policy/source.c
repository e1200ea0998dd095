#include "src/wfp/policy/source.h"

#include <string.h>

#include "src/wfp/policy/report.h"
#include "src/wfp/utf8.h"

bool source_check(const struct source *source, struct report *report)
{
    uint32_t line = 1;
    for (size_t i = 0, length; i < source->length; i += length) {
        length = utf8_length(source->text + i, source->length - i);
        if (length == 0) {
            struct place place = {source, line, (uint32_t)i, 1};
            report_error(report, place, "a policy is UTF-8 text", "byte 0x%02x is not text",
                         (unsigned char)source->text[i]);
            return false;
        }
        line += source->text[i] == '\n';
    }
    return true;
}

static uint32_t line_start(const struct place *place)
{
    uint32_t start = place->offset;
    while (start > 0 && place->source->text[start - 1] != '\n')
        start--;
    return start;
}

uint32_t place_column(const struct place *place)
{
    uint32_t column = 1;
    for (uint32_t i = line_start(place); i < place->offset; i++)
        column += (place->source->text[i] & 0xc0) != 0x80;
    return column;
}

const char *place_line(const struct place *place, size_t *length)
{
    const char *start = place->source->text + line_start(place);
    size_t left = place->source->length - (size_t)(start - place->source->text);
    const char *end = left == 0 ? NULL : memchr(start, '\n', left);
    *length = end != NULL ? (size_t)(end - start) : left;
    if (*length > 0 && start[*length - 1] == '\r')
        --*length;
    return start;
}
