#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_UNITS    0x1fffffffu /* a list is addressed by half units in 30 bits */
#define HEAP_UNITS   512u        /* a change needs little, so it is taken by pages */
#define RECORD_UNITS (sizeof(struct classify_record) / CLASSIFY_UNIT)

static uint32_t rounded(uint64_t units, uint32_t to)
{
    return (uint32_t)((units + to - 1) / to * to);
}

struct memory memory_new(uint32_t units)
{
    struct memory memory = {.at = sizeof(struct classify_header) / CLASSIFY_UNIT};
    memory.end = rounded((uint64_t)memory.at + units, HEAP_UNITS);
    memory.bytes = calloc(memory.end, CLASSIFY_UNIT);
    return memory;
}

struct memory memory_part(uint8_t *bytes, uint32_t first, uint32_t end)
{
    return (struct memory){.bytes = bytes, .at = first, .end = end, .fixed = true};
}

static bool grow(struct memory *memory, uint64_t units)
{
    if (memory->fixed || units > MAX_UNITS)
        return false;
    uint32_t end = rounded(units + memory->end / 4, HEAP_UNITS);
    uint8_t *bytes = realloc(memory->bytes, (size_t)end * CLASSIFY_UNIT);
    if (bytes == NULL)
        return false;
    memset(bytes + (size_t)memory->end * CLASSIFY_UNIT, 0,
           (size_t)(end - memory->end) * CLASSIFY_UNIT);
    memory->bytes = bytes;
    memory->end = end;
    return true;
}

static bool reach(struct memory *memory, uint64_t end)
{
    return end <= memory->end || grow(memory, end);
}

/* What was written there before is zeroed as it is taken: a change needs little of a large part. */
static void clean(const struct memory *memory, uint32_t end)
{
    if (memory->fixed)
        memset(memory->bytes + (size_t)memory->at * CLASSIFY_UNIT, 0,
               (size_t)(end - memory->at) * CLASSIFY_UNIT);
}

void memory_trim(struct memory *memory)
{
    uint32_t end = rounded(memory->at + RECORD_UNITS, HEAP_UNITS);
    if (memory->fixed || end >= memory->end)
        return;
    uint8_t *bytes = realloc(memory->bytes, (size_t)end * CLASSIFY_UNIT);
    if (bytes != NULL)
        memory->bytes = bytes;
    memory->end = end;
}

size_t memory_size(const struct memory *memory)
{
    return (size_t)rounded(memory->at, CLASSIFY_BLOCK_UNITS) * CLASSIFY_UNIT;
}

uint32_t memory_take_words(struct memory *memory, uint32_t words)
{
    uint32_t at = memory->at, units = words / 2 + words % 2;
    if (!reach(memory, (uint64_t)at + units))
        return MEMORY_FULL;
    clean(memory, at + units);
    memory->at = at + units;
    return at;
}

uint32_t memory_take(struct memory *memory, uint32_t units, uint32_t window)
{
    uint32_t at = memory->at, read = units > window ? units : window;
    if (read > CLASSIFY_BLOCK_UNITS)
        return MEMORY_FULL;
    if (at % CLASSIFY_BLOCK_UNITS + read > CLASSIFY_BLOCK_UNITS)
        at = rounded(at, CLASSIFY_BLOCK_UNITS);
    if (!reach(memory, (uint64_t)at + read))
        return MEMORY_FULL;
    clean(memory, at + read);
    memory->at = at + units;
    return at;
}

uint32_t memory_take_record(struct memory *memory, uint32_t units)
{
    uint32_t read = units + CLASSIFY_TEST_UNITS;
    return memory_take(memory, units, read > RECORD_UNITS ? read : RECORD_UNITS);
}
