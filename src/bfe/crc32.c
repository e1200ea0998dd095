#include "crc32.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

/* tables[n][b]: what byte b does to the CRC when n more bytes come after it. */
static uint32_t tables[8][256];

static uint32_t table_entry(uint32_t index)
{
    uint32_t value = index;

    for (int bit = 0; bit < 8; bit++)
        value = (value >> 1) ^ (0xedb88320u & (0u - (value & 1)));
    return value;
}

static void fill_tables(void)
{
    static bool filled;

    if (filled)
        return;
    filled = true;
    for (uint32_t i = 0; i < 256; i++)
        tables[0][i] = table_entry(i);
    for (int n = 1; n < 8; n++)
        for (uint32_t i = 0; i < 256; i++)
            tables[n][i] = (tables[n - 1][i] >> 8) ^ tables[0][tables[n - 1][i] & 0xff];
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    word = le64toh(word) ^ crc;
    crc = 0;
    for (int i = 0; i < 8; i++)
        crc ^= tables[7 - i][word >> 8 * i & 0xff];
    return crc;
}

uint32_t crc32_more(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    fill_tables();
    crc = ~crc;
    for (; size >= 8; at += 8, size -= 8)
        crc = eight_bytes(crc, at);
    for (; size; at++, size--)
        crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

uint32_t crc32_of(const void *bytes, size_t size)
{
    return crc32_more(0, bytes, size);
}
