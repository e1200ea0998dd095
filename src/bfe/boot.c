#include "boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps.h"
#include "boot/image.h"
#include "boot_file.h"
#include "classify/compile.h"
#include "engine.h"
#include "log.h"
#include "model/layers.h"

/* What is gathered for one image. */
struct draft {
    struct model_view_filter *filters;
    size_t count, room;
    struct apps apps; /* with numbers of its own: those that the loader will give */
    const char **names;
    size_t name_room;
    struct classify_image *policy;
    struct boot_image image;
};

static uint32_t fail(struct model_error *error, uint32_t code, const char *path, const char *why)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text),
             "Nothing was changed: the boot image %.120s can't be made: %.80s", path, why);
    return code;
}

static void draft_free(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->image.app_count; i++)
        free((char *)draft->names[i]);
    free(draft->names);
    free(draft->filters);
    apps_free(&draft->apps);
    classify_image_free(draft->policy);
}

/* ---- filters ---- */

/* Who would be asked in user space is not there at boot. */
static int gather(void *ctx, const struct model_view_filter *filter)
{
    struct draft *draft = ctx;

    if (draft->count == draft->room) {
        size_t room = draft->room ? 2 * draft->room : 16;
        void *grown = realloc(draft->filters, room * sizeof(*draft->filters));

        if (!grown)
            return -ENOMEM;
        draft->filters = grown;
        draft->room = room;
    }
    draft->filters[draft->count] = *filter;
    if (filter->callout_slot >= CLASSIFY_CALLOUTS)
        draft->filters[draft->count].callout_slot = MODEL_CALLOUT_UNREGISTERED;
    draft->count++;
    return 0;
}

static int gather_all(struct draft *draft, const struct model_view *view)
{
    int code = 0;

    for (size_t i = 0; !code && i < layer_count(); i++)
        code = model_view_boottime(view, layer_at(i)->id, gather, draft);
    return code;
}

/* ---- programs ---- */

static bool note_name(struct draft *draft, const char *path)
{
    uint32_t count = draft->image.app_count;

    if (count == draft->name_room) {
        size_t room = count ? 2 * (size_t)count : 16;
        void *grown = realloc(draft->names, room * sizeof(*draft->names));

        if (!grown)
            return false;
        draft->names = grown;
        draft->name_room = room;
    }
    draft->names[count] = strdup(path);
    return draft->names[count] && ++draft->image.app_count;
}

static uint32_t number_of_app(void *ctx, const char *path)
{
    struct draft *draft = ctx;
    uint32_t number;

    if (strlen(path) >= SHIM_PATH)
        return 0;
    number = apps_number(&draft->apps, path);
    return number >= BOOT_APPS || (number > draft->image.app_count && !note_name(draft, path))
               ? 0
               : number;
}

/* ---- the image ---- */

static bool calls(const struct draft *draft, unsigned slot)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->filters[i].callout_id && draft->filters[i].callout_slot == slot)
            return true;
    return false;
}

static void add_callouts(struct draft *draft, const struct engine *engine)
{
    for (unsigned slot = 0; slot < ENGINE_SLOTS; slot++) {
        const struct engine_object *object = &engine->slots[slot];

        if (object->bytes && calls(draft, slot))
            draft->image.callouts[draft->image.callout_count++] =
                (struct shim_callout){slot, object->bytes, object->size};
    }
}

static int encode(struct draft *draft, const struct engine *engine, uint8_t **bytes, size_t *size)
{
    struct boot_image *image = &draft->image;

    add_callouts(draft, engine);
    image->filters = (uint32_t)draft->count;
    image->apps = draft->names;
    image->group_count = draft->policy->group_count;
    memcpy(image->groups, draft->policy->groups, sizeof(image->groups));
    image->policy = draft->policy->memory;
    image->policy_size = draft->policy->used;
    return boot_image_encode(image, bytes, size);
}

/* No bytes: there are no boot-time filters. */
static uint32_t make_image(const struct engine *engine, const struct model_view *view,
                           uint8_t **bytes, size_t *size, struct model_error *error)
{
    struct draft draft = {.count = 0};
    const struct classify_intern intern = {&draft, number_of_app};
    uint32_t code = ERROR_SUCCESS;
    int result = gather_all(&draft, view);

    if (!result && draft.count) {
        code = classify_compile(draft.filters, draft.count, &intern, &draft.policy, error);
        if (code == ERROR_SUCCESS)
            result = encode(&draft, engine, bytes, size);
    }
    draft_free(&draft);
    return result ? fail(error, ERROR_NOT_ENOUGH_MEMORY, engine->boot.path, strerror(-result))
                  : code;
}

/* ---- the file ---- */

static bool is_there(const char *path, const uint8_t *bytes, size_t size)
{
    uint8_t *there;
    size_t length;
    int code = boot_image_read(path, &there, &length);
    bool same = bytes ? !code && length == size && !memcmp(there, bytes, size) : code == -ENOENT;

    free(there);
    return same;
}

static uint32_t write_image(struct engine *engine, const uint8_t *bytes, size_t size,
                            struct model_error *error)
{
    const char *path = engine->boot.path;
    int code;

    if (is_there(path, bytes, size))
        return ERROR_SUCCESS;
    code = boot_file_replace(path, bytes, size);
    if (code)
        return fail(error, ERROR_GEN_FAILURE, path, strerror(-code));
    engine->boot.replaced = true;
    return ERROR_SUCCESS;
}

uint32_t boot_prepare(struct engine *engine, const struct model_view *view,
                      struct model_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint32_t code;

    engine->boot.replaced = false;
    if (!engine->boot.path || engine->stands_in || !model_view_boottime_changed(view))
        return ERROR_SUCCESS;
    code = make_image(engine, view, &bytes, &size, error);
    if (code == ERROR_SUCCESS)
        code = write_image(engine, bytes, size, error);
    free(bytes);
    if (code == ERROR_SUCCESS || engine->boot.running)
        return code;
    log_line(LOG_ERR, "the next boot is as the image says that is there: %s", error->text);
    return ERROR_SUCCESS;
}

void boot_settle(struct engine *engine, bool committed)
{
    const char *path = engine->boot.path;
    int code;

    if (!engine->boot.replaced)
        return;
    engine->boot.replaced = false;
    if (committed) {
        boot_file_keep(path);
        log_line(LOG_NOTICE,
                 "the boot image %s is another now; an initramfs that has one gets it by "
                 "update-initramfs -u",
                 path);
        return;
    }
    code = boot_file_restore(path);
    if (code)
        log_line(LOG_ERR, "the boot image %s is of a policy that failed: %s", path,
                 strerror(-code));
}

uint32_t boot_refresh(struct engine *engine, struct model_error *error)
{
    uint32_t code = boot_prepare(engine, model_view_now(engine->model), error);

    boot_settle(engine, code == ERROR_SUCCESS);
    return code;
}
