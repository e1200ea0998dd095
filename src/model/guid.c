#include "guid.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The 16 bytes in the order they are written; NULL when the text is something else. */
static const char *parse_bytes(const char *text, uint8_t bytes[16])
{
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (*text++ != '-')
                return NULL;
        }
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return NULL;
        bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return text;
}

bool guid_parse(const char *text, GUID *guid)
{
    uint8_t b[16];
    bool braces = *text == '{';
    const char *end = parse_bytes(text + braces, b);

    if (!end || (braces && *end++ != '}') || *end)
        return false;
    guid->Data1 = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    guid->Data2 = (uint16_t)(b[4] << 8 | b[5]);
    guid->Data3 = (uint16_t)(b[6] << 8 | b[7]);
    memcpy(guid->Data4, b + 8, 8);
    return true;
}

char *guid_format(const GUID *guid, char text[GUID_TEXT_SIZE])
{
    const uint8_t *d = guid->Data4;

    snprintf(text, GUID_TEXT_SIZE, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned)guid->Data1, guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5],
             d[6], d[7]);
    return text;
}

bool guid_equal(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool guid_is_zero(const GUID *guid)
{
    static const GUID zero;

    return guid_equal(guid, &zero);
}

int guid_compare(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof(*a));
}

GUID guid_of_random(const uint8_t bytes[16])
{
    GUID guid;

    memcpy(&guid, bytes, sizeof(guid));
    guid.Data3 = (uint16_t)((guid.Data3 & 0x0fff) | 0x4000);
    guid.Data4[0] = (uint8_t)((guid.Data4[0] & 0x3f) | 0x80);
    return guid;
}

bool guid_random(GUID *guid)
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return false;
    *guid = guid_of_random(bytes);
    return true;
}
