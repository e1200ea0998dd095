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
    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++)
        if (engine->codes[slot].object && guid_equal(&engine->codes[slot].key, key))
            return &engine->codes[slot];
    return NULL;
}

const struct engine_code *engine_code_find(const struct engine *engine, const GUID *key)
{
    return find((struct engine *)engine, key);
}

static struct engine_code *free_slot(struct engine *engine)
{
    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++)
        if (!engine->codes[slot].object)
            return &engine->codes[slot];
    return NULL;
}

static void forget(struct engine_code *code)
{
    if (code->object)
        close(code->file);
    free(code->name);
    free(code->object);
    *code = (struct engine_code){0};
}

void engine_free_codes(struct engine *engine)
{
    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++)
        forget(&engine->codes[slot]);
}

static uint32_t fail(struct model_error *error, uint32_t code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text), "%.255s", text);
    return code;
}

/* A file that only we have: what is loaded can't be changed behind our back. */
static int object_file(const struct engine_code *wanted)
{
    int file = memfd_create("callout.o", MFD_CLOEXEC);
    size_t written = 0;

    while (file >= 0 && written < wanted->size) {
        ssize_t some = write(file, wanted->object + written, wanted->size - written);

        if (some <= 0) {
            close(file);
            return -EIO;
        }
        written += (size_t)some;
    }
    return file < 0 ? -errno : file;
}

static bool copy_code(struct engine_code *into, const struct engine_code *wanted, unsigned slot)
{
    *into = *wanted;
    into->slot = slot;
    into->name = strdup(wanted->name);
    into->object = malloc(wanted->size ? wanted->size : 1);
    into->file = into->name && into->object ? object_file(wanted) : -ENOMEM;
    if (into->file >= 0) {
        memcpy(into->object, wanted->object, wanted->size);
        return true;
    }
    free(into->name);
    free(into->object);
    *into = (struct engine_code){0};
    return false;
}

static uint32_t give_to_kernel(struct engine *engine, const struct engine_code *code,
                               struct model_error *error)
{
    struct shim_error *failed;
    char path[32];
    uint32_t result = ERROR_SUCCESS;

    if (!engine->shim)
        return ERROR_SUCCESS;
    failed = calloc(1, sizeof(*failed));
    if (!failed)
        return fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", code->file);
    if (shim_callout_load(engine->shim, code->slot, path, failed) < 0) {
        result = fail(error, ERROR_GEN_FAILURE, failed->text);
        if (failed->log[0])
            log_line(LOG_WARNING, "callout %s was refused, the verifier says: %s", code->name,
                     failed->log);
    }
    free(failed);
    return result;
}

static uint32_t take_from_kernel(struct engine *engine, unsigned slot, struct model_error *error)
{
    struct shim_error *failed;
    uint32_t result = ERROR_SUCCESS;

    if (!engine->shim)
        return ERROR_SUCCESS;
    failed = calloc(1, sizeof(*failed));
    if (!failed)
        return fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    if (shim_callout_unload(engine->shim, slot, failed) < 0)
        result = fail(error, ERROR_GEN_FAILURE, failed->text);
    free(failed);
    return result;
}

static uint32_t load_fresh(struct engine *engine, struct engine_code *fresh,
                           struct model_error *error)
{
    struct model_error second;
    uint32_t result;

    result = give_to_kernel(engine, fresh, error);
    if (result != ERROR_SUCCESS)
        return result;
    result = model_callout_register(engine->model, &fresh->key, fresh->slot, &fresh->id, error);
    if (result != ERROR_SUCCESS && take_from_kernel(engine, fresh->slot, &second) != ERROR_SUCCESS)
        log_line(LOG_ERR, "callout %s stays loaded without being used: %s", fresh->name,
                 second.text);
    return result;
}

uint32_t engine_code_load(struct engine *engine, const struct engine_code *wanted, uint32_t *id,
                          struct model_error *error)
{
    struct engine_code *old = find(engine, &wanted->key), *place = old, fresh;
    uint32_t result;

    if (!place)
        place = free_slot(engine);
    if (!place)
        return fail(error, FWP_E_TOO_MANY_CALLOUTS,
                    "all slots for callouts in the kernel are taken; unload one");
    if (!copy_code(&fresh, wanted, (unsigned)(place - engine->codes)))
        return fail(error, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    if (old)
        fresh.id = old->id;
    result = old ? give_to_kernel(engine, &fresh, error) : load_fresh(engine, &fresh, error);
    if (result != ERROR_SUCCESS) {
        forget(&fresh);
        return result;
    }
    forget(place);
    *place = fresh;
    *id = fresh.id;
    return ERROR_SUCCESS;
}

uint32_t engine_code_unload(struct engine *engine, const GUID *key, struct model_error *error)
{
    struct engine_code *code = find(engine, key);
    uint32_t result, id;

    if (!code)
        return fail(error, FWP_E_CALLOUT_NOT_FOUND, "no code is loaded for this callout");
    /* First no filter uses it any more, then it goes. */
    result = model_callout_register(engine->model, key, MODEL_CALLOUT_UNREGISTERED, &id, error);
    if (result != ERROR_SUCCESS)
        return result;
    result = take_from_kernel(engine, code->slot, error);
    forget(code);
    return result;
}

/* The kernel programs still have the code when we took them over; else it is loaded again. */
void engine_code_restore(struct engine *engine, const struct engine_code *code)
{
    struct engine_code *place = &engine->codes[code->slot % ENGINE_SLOTS];
    struct model_error error = {0};
    uint32_t result = ERROR_SUCCESS;

    if (code->slot >= ENGINE_SLOTS || place->object || !copy_code(place, code, code->slot)) {
        log_line(LOG_ERR, "callout %s did not come back", code->name);
        return;
    }
    if (!engine->shim || !shim_callout_loaded(engine->shim, code->slot))
        result = give_to_kernel(engine, place, &error);
    if (result == ERROR_SUCCESS)
        result =
            model_callout_register(engine->model, &place->key, place->slot, &place->id, &error);
    if (result == ERROR_SUCCESS)
        return;
    log_line(LOG_ERR, "callout %s did not come back: %s; its filters act as without code",
             code->name, error.text);
    forget(place);
}
