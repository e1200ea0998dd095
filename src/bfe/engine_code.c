/* Callouts' code: which callout is in which slot of the kernel programs. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "model/guid.h"

static struct engine_code *find(struct engine *engine, const GUID *key)
{
    for (size_t i = 0; i < engine->code_count; i++)
        if (guid_equal(&engine->codes[i].key, key))
            return &engine->codes[i];
    return NULL;
}

const struct engine_code *engine_code_find(const struct engine *engine, const GUID *key)
{
    return find((struct engine *)engine, key);
}

static unsigned users(const struct engine *engine, unsigned slot)
{
    unsigned count = 0;

    for (size_t i = 0; i < engine->code_count; i++)
        count += engine->codes[i].slot == slot;
    return count;
}

/* Where a file of that name is to go; ENGINE_SLOTS: nowhere. */
static unsigned choose_slot(const struct engine *engine, const char *name,
                            const struct engine_code *code)
{
    unsigned unused = ENGINE_SLOTS;

    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++) {
        if (!engine->slots[slot].bytes)
            unused = unused == ENGINE_SLOTS ? slot : unused;
        else if (!strcmp(engine->slots[slot].name, name))
            return slot;
    }
    return code && users(engine, code->slot) == 1 ? code->slot : unused;
}

static void forget(struct engine_object *object)
{
    if (object->bytes)
        close(object->file);
    free(object->name);
    free(object->bytes);
    *object = (struct engine_object){0};
}

void engine_free_codes(struct engine *engine)
{
    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++)
        forget(&engine->slots[slot]);
    engine->code_count = 0;
}

static uint32_t fail(struct model_error *error, uint32_t code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text), "%.255s", text);
    return code;
}

/* A file that only we have: what is loaded can't be changed behind our back. */
static int object_file(const struct engine_object *wanted)
{
    int file = memfd_create("callout.o", MFD_CLOEXEC);
    size_t written = 0;

    while (file >= 0 && written < wanted->size) {
        ssize_t some = write(file, wanted->bytes + written, wanted->size - written);

        if (some <= 0) {
            close(file);
            return -EIO;
        }
        written += (size_t)some;
    }
    return file < 0 ? -errno : file;
}

static bool copy_object(struct engine_object *into, const struct engine_object *wanted)
{
    *into = (struct engine_object){.size = wanted->size, .time = wanted->time};
    into->name = strdup(wanted->name);
    into->bytes = malloc(wanted->size ? wanted->size : 1);
    into->file = into->name && into->bytes ? object_file(wanted) : -ENOMEM;
    if (into->file >= 0) {
        memcpy(into->bytes, wanted->bytes, wanted->size);
        return true;
    }
    free(into->name);
    free(into->bytes);
    *into = (struct engine_object){0};
    return false;
}

static uint32_t give_to_kernel(struct engine *engine, unsigned slot,
                               const struct engine_object *object, struct model_error *error)
{
    struct shim_error *failed;
    char path[32];
    uint32_t result = ERROR_SUCCESS;

    if (!engine->shim)
        return ERROR_SUCCESS;
    failed = calloc(1, sizeof(*failed));
    if (!failed)
        return fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", object->file);
    if (shim_callout_load(engine->shim, slot, path, failed) < 0) {
        result = fail(error, ERROR_GEN_FAILURE, failed->text);
        if (failed->log[0])
            log_line(LOG_WARNING, "callout %s was refused, the verifier says: %s", object->name,
                     failed->log);
    }
    free(failed);
    return result;
}

/* Empties a slot that no callout uses any more. */
static uint32_t drop_unused(struct engine *engine, unsigned slot, struct model_error *error)
{
    struct shim_error *failed;
    uint32_t result = ERROR_SUCCESS;

    if (users(engine, slot))
        return ERROR_SUCCESS;
    failed = engine->shim ? calloc(1, sizeof(*failed)) : NULL;
    if (failed && shim_callout_unload(engine->shim, slot, failed) < 0)
        result = fail(error, ERROR_GEN_FAILURE, failed->text);
    free(failed);
    forget(&engine->slots[slot]);
    return result;
}

static bool same_object(const struct engine_object *a, const struct engine_object *b)
{
    return a->bytes && a->size == b->size && !memcmp(a->bytes, b->bytes, a->size) &&
           !strcmp(a->name, b->name);
}

static uint32_t fill_slot(struct engine *engine, unsigned slot, const struct engine_object *wanted,
                          struct model_error *error)
{
    struct engine_object fresh;
    uint32_t result;

    if (same_object(&engine->slots[slot], wanted))
        return ERROR_SUCCESS;
    if (!copy_object(&fresh, wanted))
        return fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    result = give_to_kernel(engine, slot, &fresh, error);
    if (result != ERROR_SUCCESS) {
        forget(&fresh);
        return result;
    }
    forget(&engine->slots[slot]);
    engine->slots[slot] = fresh;
    return ERROR_SUCCESS;
}

/* With id 0 the callout gets one. */
static uint32_t add_code(struct engine *engine, const GUID *key, unsigned slot, uint32_t id,
                         struct model_error *error)
{
    struct engine_code code = {.key = *key, .id = id, .slot = slot};
    uint32_t result;

    if (engine->code_count == ENGINE_CODES)
        return fail(error, FWP_E_TOO_MANY_CALLOUTS, "too many callouts have code; unload one");
    result = id ? model_callout_restore(engine->model, key, slot, id, error)
                : model_callout_register(engine->model, key, slot, &code.id, error);
    if (result == ERROR_SUCCESS)
        engine->codes[engine->code_count++] = code;
    return result;
}

static uint32_t drop_code(struct engine *engine, struct engine_code *code,
                          struct model_error *error)
{
    uint32_t result, id;

    result =
        model_callout_register(engine->model, &code->key, MODEL_CALLOUT_UNREGISTERED, &id, error);
    if (result == ERROR_SUCCESS)
        *code = engine->codes[--engine->code_count];
    return result;
}

/* The callout moves to another file while that is not the only one its old file serves. */
static uint32_t move_code(struct engine *engine, struct engine_code *code, unsigned slot,
                          struct model_error *error)
{
    const GUID key = code->key;
    uint32_t result = drop_code(engine, code, error);

    return result == ERROR_SUCCESS ? add_code(engine, &key, slot, 0, error) : result;
}

uint32_t engine_code_load(struct engine *engine, const GUID *key,
                          const struct engine_object *wanted, uint32_t *id,
                          struct model_error *error)
{
    struct engine_code *code = find(engine, key);
    unsigned slot = choose_slot(engine, wanted->name, code);
    struct model_error second;
    uint32_t result;

    if (slot == ENGINE_SLOTS)
        return fail(error, FWP_E_TOO_MANY_CALLOUTS,
                    "all slots for callouts in the kernel are taken; unload one");
    result = fill_slot(engine, slot, wanted, error);
    if (result != ERROR_SUCCESS)
        return result;
    if (!code)
        result = add_code(engine, key, slot, 0, error);
    else if (code->slot != slot)
        result = move_code(engine, code, slot, error);
    if (drop_unused(engine, slot, &second) != ERROR_SUCCESS)
        log_line(LOG_ERR, "callout %s stays loaded without being used: %s", wanted->name,
                 second.text);
    if (result == ERROR_SUCCESS)
        result = boot_refresh(engine, error);
    if (result == ERROR_SUCCESS)
        *id = find(engine, key)->id;
    return result;
}

uint32_t engine_code_unload(struct engine *engine, const GUID *key, struct model_error *error)
{
    struct engine_code *code = find(engine, key);
    unsigned slot = code ? code->slot : 0;
    uint32_t result;

    if (!code)
        return fail(error, FWP_E_CALLOUT_NOT_FOUND, "no code is loaded for this callout");
    /* First no filter uses it any more, then it goes. */
    result = drop_code(engine, code, error);
    return result == ERROR_SUCCESS ? drop_unused(engine, slot, error) : result;
}

bool engine_code_copy(const struct engine *engine, const GUID *key, struct engine_object *copy)
{
    const struct engine_code *code = engine_code_find(engine, key);
    const struct engine_object *object = code ? &engine->slots[code->slot] : NULL;

    *copy = (struct engine_object){0};
    return !object || copy_object(copy, object);
}

void engine_code_copy_free(struct engine_object *copy)
{
    forget(copy);
}

/* Files that were never loaded at the same time may have had the same slot. */
static unsigned slot_again(const struct engine *engine, unsigned slot,
                           const struct engine_object *object)
{
    slot %= ENGINE_SLOTS;
    if (!engine->slots[slot].bytes || !strcmp(engine->slots[slot].name, object->name))
        return slot;
    return choose_slot(engine, object->name, NULL);
}

/* The kernel programs still have the code when we took them over; else it is loaded again. */
static uint32_t restore_slot(struct engine *engine, unsigned slot,
                             const struct engine_object *object, struct model_error *error)
{
    struct engine_object *place = &engine->slots[slot];

    if (place->bytes)
        return ERROR_SUCCESS;
    if (!engine->shim || !shim_callout_is(engine->shim, slot, object->bytes, object->size))
        return fill_slot(engine, slot, object, error);
    return copy_object(place, object) ? ERROR_SUCCESS
                                      : fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
}

void engine_code_restore(struct engine *engine, const struct engine_code *code,
                         const struct engine_object *object)
{
    unsigned slot = slot_again(engine, code->slot, object);
    struct model_error error = {0};
    uint32_t result = ERROR_SUCCESS;

    if (slot == ENGINE_SLOTS)
        result = fail(&error, FWP_E_TOO_MANY_CALLOUTS, "all slots are taken");
    else
        result = restore_slot(engine, slot, object, &error);
    if (result == ERROR_SUCCESS)
        result = add_code(engine, &code->key, slot, code->id, &error);
    if (result != ERROR_SUCCESS)
        log_line(LOG_ERR, "callout %s did not come back: %s; its filters act as without code",
                 object->name, error.text);
}

/* The boot image's callouts that this bfe does not know. */
void engine_drop_strangers(struct engine *engine)
{
    struct model_error error;

    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++)
        if (shim_callout_loaded(engine->shim, slot) && !users(engine, slot) &&
            drop_unused(engine, slot, &error) != ERROR_SUCCESS)
            log_line(LOG_ERR, "a callout of the boot image stays loaded: %s", error.text);
}
