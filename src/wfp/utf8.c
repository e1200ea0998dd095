#include "src/wfp/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t utf8_length(const char *text, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char lead = left == 0 ? 0 : bytes[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0 || length > left || lead >= 0xf8)
        return 0;
    if (length <= 1)
        return length;
    uint32_t value = lead & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < smallest[length] || value > 0x10ffff || surrogate ? 0 : length;
}

size_t utf8_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static uint32_t decode(const char *text, size_t length)
{
    uint32_t value = (unsigned char)*text & (length == 1 ? 0x7fu : 0xffu >> (length + 1));

    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    return value;
}

/* Terminals obey C1 as they do C0, and what writes from right to left can make a name look like
 * another. */
static bool moves_the_cursor(uint32_t value)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                  {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (value >= ranges[i].first && value <= ranges[i].last)
            return true;
    return false;
}

static void print(FILE *out, const char *text, size_t length, bool tabs)
{
    while (length > 0) {
        size_t step = utf8_length(text, length);
        bool tab = tabs && *text == '\t';
        if (step == 0 || (!tab && moves_the_cursor(decode(text, step))))
            fputc('?', out);
        else
            fwrite(text, 1, step, out);
        step = step == 0 ? 1 : step;
        text += step;
        length -= step;
    }
}

void print_clean(FILE *out, const char *text)
{
    print(out, text, strlen(text), false);
}

void print_clean_bytes(FILE *out, const char *text, size_t length)
{
    print(out, text, length, true);
}
