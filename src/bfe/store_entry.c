#include "store_entry.h"

#include <string.h>

#include "model/guid.h"

enum entry_flags { FLAG_GONE = 1, FLAG_KEYED = 2 };

/* The file is read on the machine that wrote it: fields stand in its byte order. */
struct entry_head {
    uint8_t class, kind, lifetime, flags;
    uint32_t creator;
    uint64_t id, time;
    GUID key;
    uint32_t sd_size, body_size;
    uint64_t reserved;
};

_Static_assert(sizeof(struct entry_head) == ENTRY_HEAD, "no holes");

size_t entry_size(const struct store_entry *entry)
{
    return ENTRY_HEAD + entry->sd_size + entry->body_size;
}

void entry_write(const struct store_entry *entry, uint8_t *bytes)
{
    struct entry_head head = {
        .class = entry->class,
        .kind = entry->kind,
        .lifetime = entry->lifetime,
        .flags = (uint8_t)((entry->gone ? FLAG_GONE : 0) | (entry->keyed ? FLAG_KEYED : 0)),
        .creator = entry->creator,
        .id = entry->id,
        .time = entry->time,
        .key = entry->key,
        .sd_size = entry->sd_size,
        .body_size = entry->body_size,
    };

    memcpy(bytes, &head, sizeof(head));
    if (entry->sd_size)
        memcpy(bytes + ENTRY_HEAD, entry->sd, entry->sd_size);
    if (entry->body_size)
        memcpy(bytes + ENTRY_HEAD + entry->sd_size, entry->body, entry->body_size);
}

size_t entry_read(struct store_entry *entry, const uint8_t *bytes, size_t available)
{
    struct entry_head head;

    if (available < ENTRY_HEAD)
        return 0;
    memcpy(&head, bytes, sizeof(head));
    if (head.class >= ENTRY_CLASSES || head.kind >= MODEL_KINDS)
        return 0;
    if ((uint64_t)head.sd_size + head.body_size > available - ENTRY_HEAD)
        return 0;
    *entry = (struct store_entry){
        .class = head.class,
        .kind = head.kind,
        .lifetime = head.lifetime,
        .gone = head.flags & FLAG_GONE,
        .keyed = head.flags & FLAG_KEYED,
        .creator = head.creator,
        .id = head.id,
        .time = head.time,
        .key = head.key,
        .sd_size = head.sd_size,
        .body_size = head.body_size,
        .sd = bytes + ENTRY_HEAD,
        .body = bytes + ENTRY_HEAD + head.sd_size,
    };
    return entry_size(entry);
}

int entry_compare(const struct store_entry *a, const struct store_entry *b)
{
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return guid_compare(&a->key, &b->key);
}
