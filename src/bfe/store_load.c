#include "store_load.h"

#include <errno.h>
#include <malloc.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"
#include "engine.h"
#include "log.h"
#include "model/guid.h"
#include "rpc/convert.h"
#include "store_entry.h"

/* The last word about one thing, with its bytes. */
struct kept {
    struct store_entry entry;
    uint64_t sequence; /* when the thing was first heard of: objects come back in that order */
    uint8_t bytes[];
};

struct load {
    struct store *store;
    void *tree; /* of struct kept, tsearch */
    struct kept **objects;
    size_t count, object_count;
    uint64_t sequence;
    struct arena arena;
    struct converter convert;
};

/* ---- reading: the last entry about each thing ---- */

static int compare(const void *a, const void *b)
{
    return entry_compare(&((const struct kept *)a)->entry, &((const struct kept *)b)->entry);
}

static struct kept *keep(struct load *load, const uint8_t *bytes, size_t size)
{
    struct kept *kept = malloc(sizeof(*kept) + size);

    if (!kept)
        return NULL;
    memcpy(kept->bytes, bytes, size);
    entry_read(&kept->entry, kept->bytes, size);
    kept->sequence = load->sequence++;
    return kept;
}

static void drop(struct load *load, struct kept *kept)
{
    tdelete(kept, &load->tree, compare);
    load->count--;
    free(kept);
}

static int take_entry(struct load *load, const struct store_entry *entry, const uint8_t *bytes,
                      size_t size)
{
    struct kept probe = {.entry = *entry}, **place, *fresh;

    place = tfind(&probe, &load->tree, compare);
    if (entry->gone) {
        if (place)
            drop(load, *place);
        return 0;
    }
    fresh = keep(load, bytes, size);
    if (!fresh)
        return -ENOMEM;
    if (place) {
        fresh->sequence = (*place)->sequence;
        free(*place);
        *place = fresh;
        return 0;
    }
    if (!tsearch(fresh, &load->tree, compare)) {
        free(fresh);
        return -ENOMEM;
    }
    load->count++;
    return 0;
}

static int take_record(void *ctx, const uint8_t *record, size_t size)
{
    struct load *load = ctx;
    struct store_entry entry;
    size_t used;
    int code = 0;

    while (size && !code) {
        used = entry_read(&entry, record, size);
        if (!used)
            return -EPROTO;
        code = take_entry(load, &entry, record, used);
        record += used;
        size -= used;
    }
    return code;
}

/* ---- restoring ---- */

static int refuse(const struct load *load, const struct store_entry *entry, const char *why)
{
    char key[GUID_TEXT_SIZE];

    log_line(LOG_ERR,
             "%s: can't bring back the object %s (kind %d): %s. What the kernel enforces stays; "
             "move the file away to start with an empty policy",
             load->store->journal.path, guid_format(&entry->key, key), entry->kind, why);
    return -EPROTO;
}

static int restore_object(struct load *load, const struct store_entry *entry)
{
    struct model_stored stored = {.lifetime = entry->lifetime, .creator = entry->creator};
    const FWP_BYTE_BLOB sd = {entry->sd_size, (UINT8 *)entry->sd};
    Rpc__Objects *message;
    void **objects;
    size_t count = 0;

    arena_reset(&load->arena);
    load->convert = (struct converter){.arena = &load->arena};
    message = rpc__objects__unpack(&load->arena.allocator, entry->body_size, entry->body);
    if (!message || !decode_objects(&load->convert, entry->kind, message, &count, &objects) ||
        count != 1)
        return refuse(load, entry, "it is malformed");
    stored.object = (struct model_object){.kind = entry->kind, .any = objects[0]};
    stored.sd = entry->sd_size ? &sd : NULL;
    if (model_restore(load->store->session, &stored, &load->convert.error) != ERROR_SUCCESS)
        return refuse(load, entry, load->convert.error.text);
    return 0;
}

static int by_kind_and_age(const void *a, const void *b)
{
    const struct kept *x = *(struct kept *const *)a, *y = *(struct kept *const *)b;

    if (x->entry.kind != y->entry.kind)
        return x->entry.kind < y->entry.kind ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static void collect_object(const void *node, VISIT visit, void *ctx)
{
    struct load *load = ctx;
    struct kept *kept = *(struct kept *const *)node;

    if ((visit == postorder || visit == leaf) && kept->entry.class == ENTRY_OBJECT)
        load->objects[load->object_count++] = kept;
}

static void forget(struct load *load)
{
    tdestroy(load->tree, free);
    free(load->objects);
    load->tree = NULL;
    load->objects = NULL;
    malloc_trim(0);
}

/* One transaction: the engine sees the whole policy at once, and has the memory for it. */
static int restore_objects(struct load *load)
{
    struct model_session *session = load->store->session;
    int code = 0;

    load->objects = calloc(load->count ? load->count : 1, sizeof(*load->objects));
    if (!load->objects)
        return -ENOMEM;
    twalk_r(load->tree, collect_object, load);
    qsort(load->objects, load->object_count, sizeof(*load->objects), by_kind_and_age);
    if (model_txn_begin(session, 0, &load->convert.error) != ERROR_SUCCESS)
        return -EBUSY;
    for (size_t i = 0; !code && i < load->object_count; i++)
        code = restore_object(load, &load->objects[i]->entry);
    if (code) {
        model_txn_abort(session, NULL);
        return code;
    }
    forget(load);
    if (model_txn_commit(session, &load->convert.error) == ERROR_SUCCESS)
        return 0;
    log_line(LOG_ERR, "the policy of %s can't be enforced: %s", load->store->journal.path,
             load->convert.error.text);
    return -EIO;
}

static void restore_security(struct load *load, const struct store_entry *entry)
{
    const FWP_BYTE_BLOB sd = {entry->sd_size, (UINT8 *)entry->sd};
    const GUID *key = entry->keyed ? &entry->key : NULL;
    uint32_t code;

    code = model_security_set(load->store->session, entry->kind, key,
                              DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION |
                                  GROUP_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION,
                              &sd, &load->convert.error);
    if (code != ERROR_SUCCESS)
        log_line(LOG_ERR, "a security descriptor of kind %d did not come back: %s", entry->kind,
                 load->convert.error.text);
    else
        store_note_descriptor(load->store, entry->kind, key);
}

static void restore_option(struct load *load, const struct store_entry *entry)
{
    const FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = (UINT32)entry->id};

    if (entry->key.Data1 >= FWPM_ENGINE_OPTION_MAX ||
        model_engine_option(load->store->model, entry->key.Data1) == value.uint32)
        return;
    if (model_engine_set_option(load->store->session, entry->key.Data1, &value,
                                &load->convert.error) != ERROR_SUCCESS)
        log_line(LOG_ERR, "engine option %u did not come back: %s", entry->key.Data1,
                 load->convert.error.text);
}

static void restore_ids(struct load *load, const struct store_entry *entry)
{
    model_reserve_ids(load->store->model, entry->kind, entry->id);
    load->store->reserved[entry->kind] = entry->id;
}

/* Code comes back before the filters that need it, so they are never without it. */
static void restore_code(struct load *load, const struct store_entry *entry)
{
    const char *name = (const char *)entry->body;
    size_t length = strnlen(name, entry->body_size);

    if (length == entry->body_size)
        return;
    engine_code_restore(
        load->store->engine,
        &(struct engine_code){.key = entry->key, .id = entry->creator, .slot = (unsigned)entry->id},
        &(struct engine_object){.name = (char *)name,
                                .bytes = (uint8_t *)entry->body + length + 1,
                                .size = entry->body_size - length - 1,
                                .time = entry->time});
}

/* Its callouts' code is taken to be there already: nothing is decided without it meanwhile. */
static void restore_driver(struct load *load, const struct store_entry *entry)
{
    drivers_restore(load->store->drivers, &entry->key, entry->body, entry->body_size);
}

struct restorer {
    struct load *load;
    enum entry_class class;
    void (*restore)(struct load *load, const struct store_entry *entry);
};

static void visit_other(const void *node, VISIT visit, void *ctx)
{
    const struct restorer *restorer = ctx;
    const struct kept *kept = *(struct kept *const *)node;

    if ((visit == postorder || visit == leaf) && kept->entry.class == restorer->class)
        restorer->restore(restorer->load, &kept->entry);
}

static void restore_others(struct load *load, enum entry_class class,
                           void (*restore)(struct load *load, const struct store_entry *entry))
{
    twalk_r(load->tree, visit_other, &(struct restorer){load, class, restore});
}

static int restore(struct load *load)
{
    int code;

    restore_others(load, ENTRY_IDS, restore_ids);
    restore_others(load, ENTRY_CODE, restore_code);
    restore_others(load, ENTRY_DRIVER, restore_driver);
    restore_others(load, ENTRY_OPTION, restore_option);
    restore_others(load, ENTRY_SECURITY, restore_security);
    code = restore_objects(load);
    if (code)
        return code;
    if (load->object_count)
        log_line(LOG_INFO, "brought back %zu objects from %s", load->object_count,
                 load->store->journal.path);
    return 0;
}

/* ---- opening ---- */

static int open_session(struct store *store)
{
    const struct model_caller service = {
        .pid = (uint32_t)getpid(), .privileged = true, .kernel = true};
    const uint32_t flags =
        FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE;
    WCHAR name[] = u"policy journal";
    const FWPM_SESSION0 session = {.displayData.name = name};
    uint64_t subscription;

    if (model_session_open(store->model, &session, &service, NULL, &store->session, NULL) !=
        ERROR_SUCCESS)
        return -ENOMEM;
    for (int kind = 0; kind <= MODEL_FILTER; kind++)
        if (model_subscribe(store->session, kind, NULL, flags, &subscription, NULL) !=
            ERROR_SUCCESS)
            return -ENOMEM;
    return 0;
}

static void explain_failure(const char *path, int code)
{
    if (code == -EPROTO)
        log_line(LOG_ERR,
                 "%s is not a policy journal of this version. What the kernel enforces stays; "
                 "move the file away to start with an empty policy",
                 path);
    else
        log_line(LOG_ERR, "can't read %s: %s", path, strerror(-code));
}

int store_load(struct store *store, const char *path)
{
    struct load load = {.store = store};
    int code;

    code = open_session(store);
    if (code)
        return code;
    arena_init(&load.arena, JOURNAL_RECORD_MAX);
    code = journal_open(&store->journal, path, take_record, &load);
    if (code) {
        explain_failure(path, code);
    } else {
        if (store->journal.cut)
            log_line(LOG_WARNING,
                     "%s ended in a torn record: %llu bytes of a change that was "
                     "never answered are left out",
                     path, (unsigned long long)store->journal.cut);
        code = restore(&load);
    }
    forget(&load);
    arena_free(&load.arena);
    return code;
}
