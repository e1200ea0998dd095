#include "utf16.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

size_t utf16_length(const WCHAR *text)
{
    return utf16_length_within(text, SIZE_MAX);
}

size_t utf16_length_within(const WCHAR *text, size_t limit)
{
    size_t length = 0;

    while (text && length < limit && text[length])
        length++;
    return length;
}

int utf16_compare(const WCHAR *a, const WCHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (int)(uint16_t)*a - (int)(uint16_t)*b;
}

/* One character from text[*at], of `units` in all. */
static uint32_t utf16_next(const WCHAR *text, size_t units, size_t *at)
{
    uint32_t c = (uint16_t)text[(*at)++];

    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || *at >= units)
        return REPLACEMENT;
    uint32_t low = (uint16_t)text[*at];
    if (low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    (*at)++;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static size_t utf8_put(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

char *utf16_to_utf8_within(const WCHAR *text, size_t units)
{
    /* One unit gives at most three bytes; two units of a pair give four. */
    char *to = units < SIZE_MAX / 3 ? malloc(units * 3 + 1) : NULL;
    size_t used = 0;

    if (!to)
        return NULL;
    for (size_t at = 0; at < units;)
        used += utf8_put(utf16_next(text, units, &at), to + used);
    to[used] = '\0';
    return to;
}

char *utf16_to_utf8(const WCHAR *text)
{
    return text ? utf16_to_utf8_within(text, utf16_length(text)) : NULL;
}

char *utf16_print(const WCHAR *text, char *buffer, size_t size)
{
    size_t units = utf16_length(text), used = 0;

    for (size_t at = 0; at < units;) {
        char bytes[4];
        size_t count = utf8_put(utf16_next(text, units, &at), bytes);

        if (used + count + 1 > size)
            break;
        memcpy(buffer + used, bytes, count);
        used += count;
    }
    if (size)
        buffer[used] = '\0';
    return buffer;
}

/* How many bytes follow a lead byte, and the least character that may be written so long. */
static int utf8_tail(uint8_t lead, uint32_t *least)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        *least = 0x80;
        return 1;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *least = 0x800;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *least = 0x10000;
        return 3;
    }
    return -1;
}

static uint32_t utf8_next(const uint8_t **text)
{
    uint32_t least = 0, c = *(*text)++;
    int tail = utf8_tail((uint8_t)c, &least);

    if (c < 0x80)
        return c;
    if (tail < 0)
        return REPLACEMENT;
    c &= 0x3fu >> tail;
    for (int i = 0; i < tail; i++) {
        if (((*text)[i] & 0xc0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | ((*text)[i] & 0x3f);
    }
    *text += tail;
    return c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? REPLACEMENT : c;
}

WCHAR *utf16_from_utf8(const char *text)
{
    if (!text)
        return NULL;

    /* No byte gives more than one unit. */
    WCHAR *to = malloc((strlen(text) + 1) * sizeof(*to));
    const uint8_t *from = (const uint8_t *)text;
    size_t used = 0;

    if (!to)
        return NULL;
    while (*from) {
        uint32_t c = utf8_next(&from);

        if (c >= 0x10000) {
            to[used++] = (WCHAR)(0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        to[used++] = (WCHAR)c;
    }
    to[used] = 0;
    return to;
}

WCHAR utf16_fold(WCHAR unit)
{
    uint16_t c = (uint16_t)unit;

    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
        (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
        return (WCHAR)(c + 0x20);
    if (c >= 0x400 && c <= 0x40f)
        return (WCHAR)(c + 0x50);
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177) ||
        (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f) ||
        (c >= 0x1e00 && c <= 0x1e95) || (c >= 0x1ea0 && c <= 0x1eff))
        return (WCHAR)(c | 1);
    return unit;
}
