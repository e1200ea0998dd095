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

static void print(FILE *out, const char *text, size_t length, bool tabs)
{
    while (length > 0) {
        size_t step = utf8_length(text, length);
        unsigned char c = (unsigned char)*text;
        bool control = (c < 0x20 && !(tabs && c == '\t')) || c == 0x7f;
        if (step == 0 || control)
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
