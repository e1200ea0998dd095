#include "store_put.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "engine.h"
#include "rpc/convert.h"

#define ALL_PARTS                                                                                  \
    (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |         \
     SACL_SECURITY_INFORMATION)

/* ---- the record being built ---- */

static bool record_room(struct store *store, size_t more)
{
    size_t room = store->record.room ? store->record.room : 4096;
    uint8_t *bytes;

    while (room < store->record.used + more)
        room *= 2;
    if (room == store->record.room)
        return true;
    bytes = realloc(store->record.bytes, room);
    if (!bytes)
        return false;
    store->record.bytes = bytes;
    store->record.room = room;
    return true;
}

int record_put(struct store *store, const struct store_entry *entry)
{
    size_t size = entry_size(entry);

    if (!record_room(store, size))
        return -ENOMEM;
    entry_write(entry, store->record.bytes + store->record.used);
    store->record.used += size;
    return 0;
}

/* ---- entries from what they are about ---- */

static uint64_t object_id(const struct model_object *object)
{
    switch (object->kind) {
    case MODEL_PROVIDER_CONTEXT:
        return object->provider_context->providerContextId;
    case MODEL_CALLOUT:
        return object->callout->calloutId;
    case MODEL_FILTER:
        return object->filter->filterId;
    default:
        return 0;
    }
}

int put_object(struct store *store, const GUID *key, const struct model_stored *stored)
{
    struct converter convert = {.arena = &store->arena};
    struct store_entry entry = {
        .class = ENTRY_OBJECT,
        .kind = stored->object.kind,
        .lifetime = stored->lifetime,
        .creator = stored->creator,
        .id = object_id(&stored->object),
        .key = *key,
    };
    Rpc__Objects *body;
    uint8_t *bytes;
    int code = -ENOMEM;

    body = encode_objects(&convert, stored->object.kind, 1, &stored->object.any);
    if (!body)
        goto out;
    entry.body_size = (uint32_t)rpc__objects__get_packed_size(body);
    bytes = arena_alloc(&store->arena, entry.body_size);
    if (!bytes)
        goto out;
    rpc__objects__pack(body, bytes);
    entry.body = bytes;
    if (stored->sd) {
        entry.sd = stored->sd->data;
        entry.sd_size = stored->sd->size;
    }
    code = record_put(store, &entry);
out:
    arena_reset(&store->arena);
    return code;
}

bool put_kept(enum model_lifetime lifetime)
{
    return lifetime == MODEL_STATIC || lifetime == MODEL_PERSISTENT || lifetime == MODEL_BOOTTIME;
}

int put_gone(struct store *store, const struct store_note *note)
{
    const struct store_entry entry = {
        .class = note->class, .kind = note->kind, .key = note->key, .gone = true};

    return record_put(store, &entry);
}

/* Its entry becomes history; it is taken to be as long as all are on average. */
void put_forget(struct store *store)
{
    size_t left = 1;

    for (int kind = 0; kind <= MODEL_FILTER; kind++)
        left += model_count(store->model, kind);
    store->live -= store->live / left;
}

static int put_note_object(struct store *store, const struct store_note *note)
{
    size_t before = store->record.used;
    struct model_stored stored;
    uint32_t code;
    int result;

    if (note->gone)
        put_forget(store);
    /* What is there now counts: a transaction may delete a key and add it again. */
    code = model_stored_get(store->model, note->kind, &note->key, &stored, NULL);
    if (code != ERROR_SUCCESS || !put_kept(stored.lifetime))
        return note->gone ? put_gone(store, note) : 0;
    result = put_object(store, &note->key, &stored);
    if (note->fresh)
        store->live += store->record.used - before;
    return result;
}

int put_security(struct store *store, const struct store_note *note)
{
    struct store_entry entry = {
        .class = ENTRY_SECURITY, .kind = note->kind, .key = note->key, .keyed = note->keyed};
    FWP_BYTE_BLOB sd = {0};
    int code;

    if (model_security_get(store->session, note->kind, note->keyed ? &note->key : NULL, ALL_PARTS,
                           &sd, NULL) != ERROR_SUCCESS)
        return 0;
    entry.sd = sd.data;
    entry.sd_size = sd.size;
    code = record_put(store, &entry);
    free(sd.data);
    return code;
}

int put_option(struct store *store, FWPM_ENGINE_OPTION option)
{
    const struct store_entry entry = {
        .class = ENTRY_OPTION,
        .key.Data1 = (uint32_t)option,
        .id = model_engine_option(store->model, option),
    };

    return record_put(store, &entry);
}

static int put_code(struct store *store, const struct store_note *note)
{
    const struct engine_code *code = engine_code_find(store->engine, &note->key);

    return code ? put_code_of(store, code) : put_gone(store, note);
}

int put_code_of(struct store *store, const struct engine_code *code)
{
    const struct engine_object *object = &store->engine->slots[code->slot];
    size_t name = strlen(object->name) + 1;
    struct store_entry entry = {
        .class = ENTRY_CODE,
        .kind = MODEL_CALLOUT,
        .creator = code->id,
        .key = code->key,
        .id = code->slot,
        .time = object->time,
        .body_size = (uint32_t)(name + object->size),
    };
    uint8_t *body = arena_alloc(&store->arena, entry.body_size);
    int result = -ENOMEM;

    if (body) {
        memcpy(body, object->name, name);
        memcpy(body + name, object->bytes, object->size);
        entry.body = body;
        result = record_put(store, &entry);
    }
    arena_reset(&store->arena);
    return result;
}

int put_driver(struct store *store, const struct driver *driver)
{
    struct store_entry entry = {.class = ENTRY_DRIVER, .kind = MODEL_CALLOUT, .key = driver->key};
    uint8_t body[DRIVER_PACKED_MAX];

    entry.body = body;
    entry.body_size = (uint32_t)driver_pack(driver, body, sizeof(body));
    return record_put(store, &entry);
}

static int put_note_driver(struct store *store, const struct store_note *note)
{
    const struct driver *driver = drivers_find_key(store->drivers, &note->key);

    return driver && driver->remembered ? put_driver(store, driver) : put_gone(store, note);
}

int put_ids(struct store *store, enum model_kind kind)
{
    const struct store_entry entry = {
        .class = ENTRY_IDS, .kind = kind, .id = store->reserved[kind]};

    return entry.id ? record_put(store, &entry) : 0;
}

int put_sequence(struct store *store, uint64_t sequence)
{
    const struct store_entry entry = {.class = ENTRY_SEQUENCE, .id = sequence};

    return record_put(store, &entry);
}

int put_note(struct store *store, const struct store_note *note)
{
    switch (note->class) {
    case ENTRY_OBJECT:
        return put_note_object(store, note);
    case ENTRY_SECURITY:
        return put_security(store, note);
    case ENTRY_OPTION:
        return put_option(store, (FWPM_ENGINE_OPTION)note->key.Data1);
    case ENTRY_IDS:
        return put_ids(store, note->kind);
    case ENTRY_DRIVER:
        return put_note_driver(store, note);
    default:
        return put_code(store, note);
    }
}
