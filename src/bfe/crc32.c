#include "crc32.h"

static uint32_t table[256];

static uint32_t table_entry(uint32_t index)
{
    uint32_t value = index;

    for (int bit = 0; bit < 8; bit++)
        value = (value >> 1) ^ (0xedb88320u & (0u - (value & 1)));
    return value;
}

static void fill_table(void)
{
    if (table[1])
        return;
    for (uint32_t i = 0; i < 256; i++)
        table[i] = table_entry(i);
}

uint32_t crc32_of(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint32_t crc = 0xffffffffu;

    fill_table();
    for (size_t i = 0; i < size; i++)
        crc = (crc >> 8) ^ table[(crc ^ at[i]) & 0xff];
    return ~crc;
}
