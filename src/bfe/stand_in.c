#include "stand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/enforce.h"
#include "engine.h"
#include "log.h"

const char *stand_in_name(const struct engine *engine)
{
    static const char *const words[] = {
        [SHIM_ORIGIN_BOOT] = "the boot-time filters", [SHIM_ORIGIN_CLOSED] = "the closed policy"};
    uint32_t origin = engine->shim ? shim_standing(engine->shim).origin : SHIM_ORIGIN_SERVICE;

    if (origin == SHIM_ORIGIN_SERVICE)
        return engine->stands_in ? "what was enforced before" : NULL;
    return origin < sizeof(words) / sizeof(words[0]) ? words[origin] : NULL;
}

/* ---- its beginning ---- */

static bool enforce_image(struct engine *engine, struct shim_error *error)
{
    struct boot_reason reason = {.text = "it can't be read"};
    struct boot_image image;
    uint8_t *bytes;
    size_t size;
    int code = boot_image_read(engine->boot.path, &bytes, &size);

    if (code)
        return false;
    code = boot_image_decode(&image, bytes, size, &reason);
    if (code) {
        log_line(LOG_ERR, "the boot image %s is unusable: %s", engine->boot.path, reason.text);
    } else {
        code = boot_enforce_image(engine->shim, &image, error);
        if (code)
            log_line(LOG_ERR, "the boot image %s can't be enforced: %s", engine->boot.path,
                     error->text);
        boot_image_free(&image);
    }
    free(bytes);
    return !code;
}

static bool enforce_something(struct engine *engine)
{
    struct shim_error *error = calloc(1, sizeof(*error));
    bool enforced = error && enforce_image(engine, error);

    if (error && !enforced)
        enforced = !boot_enforce_closed(engine->shim, error);
    if (!enforced)
        log_line(LOG_ERR, "nothing can stand in for the policy: %s",
                 error ? error->text : "out of memory");
    free(error);
    return enforced;
}

void stand_in_begin(struct engine *engine, bool lost)
{
    bool ours = engine->adopted && !stand_in_name(engine);

    engine->stood_in = true;
    if (!engine->shim || (ours && !lost))
        return; /* what was committed since is in force, and known */
    if (!engine->adopted && !enforce_something(engine))
        return;
    engine->stands_in = true;
    log_line(LOG_ERR,
             "the policy is not known; enforced is, until an administrator commits a change "
             "(wfp apply): %s",
             stand_in_name(engine));
}

/* ---- its end ---- */

bool stand_in_goes_on(const struct engine *engine, const struct model_view *view, uint32_t *code,
                      struct model_error *error)
{
    enum model_committer who = model_view_committer(view);

    if (!engine->stands_in || who == MODEL_BY_AN_ADMINISTRATOR)
        return false;
    *code = ERROR_SUCCESS;
    if (who == MODEL_BY_THE_SERVICE)
        return true;
    *code = error->code = ERROR_NOT_READY;
    snprintf(error->text, sizeof(error->text),
             "The policy's store is damaged. In its place, until an administrator commits a change "
             "that is not dynamic, bfe enforces %s.",
             stand_in_name(engine));
    return true;
}

void stand_in_end(struct engine *engine)
{
    const char *before = stand_in_name(engine);

    if (!engine->shim)
        return;
    engine->stands_in = false;
    shim_set_standing(engine->shim, (struct shim_standing){SHIM_ORIGIN_SERVICE, 0});
    if (!before)
        return;
    log_line(LOG_NOTICE, "the policy is in force, and no longer %s", before);
    engine_drop_strangers(engine);
}
