/* From the model's policy to what is enforced: by a change of the image, or by a whole new one. */
#include "engine_policy.h"

#include <errno.h>
#include <fwpsu.h>
#include <stdio.h>

#include "classify/change.h"
#include "engine.h"
#include "log.h"
#include "stand_in.h"

#define CHANGES_MAX 256u /* more filters at a time are better compiled as a whole */

static uint32_t fail(struct model_error *error, int code, const char *what, const char *text)
{
    error->code = code == -ENOMEM    ? ERROR_NOT_ENOUGH_MEMORY
                  : code == -E2BIG   ? FWP_E_OUT_OF_BOUNDS
                  : code == -ENOTSUP ? ERROR_NOT_SUPPORTED
                                     : ERROR_GEN_FAILURE;
    snprintf(error->text, sizeof(error->text), "%s: %.200s", what, text);
    return error->code;
}

static uint32_t number_of_app(void *ctx, const char *path)
{
    return apps_number(ctx, path);
}

/* Hands the image to the kernel in one of the shim's ways. */
static uint32_t hand_over(struct engine *engine, struct classify_image *image,
                          int (*way)(struct shim *, struct classify_image *, struct shim_error *),
                          struct model_error *error)
{
    struct shim_error failed = {0};
    int result = way(engine->shim, image, &failed);

    if (result < 0 && failed.log[0])
        log_limited(LOG_ERR, "the verifier says: %s", failed.log);
    return result < 0 ? fail(error, result, "the kernel did not take the policy", failed.text)
                      : ERROR_SUCCESS;
}

/* ---- as a whole ---- */

uint32_t policy_enforce(struct engine *engine, struct classify_image *image,
                        struct model_error *error)
{
    struct classify_image *old = engine->image;
    uint32_t code = engine->shim ? hand_over(engine, image, shim_commit, error) : ERROR_SUCCESS;

    if (code != ERROR_SUCCESS) {
        classify_image_free(image);
        return code;
    }
    engine->image = image;
    rebuild_retire(engine, old);
    return ERROR_SUCCESS;
}

static uint32_t apply_whole(struct engine *engine, const struct model_view *view,
                            struct model_error *error)
{
    const struct classify_intern intern = {&engine->apps, number_of_app};
    struct classify_image *image = NULL;
    uint32_t code = classify_compile_view(view, &intern, &image, error);

    if (code == ERROR_SUCCESS) {
        code = model_view_keep(view, error);
        if (code == ERROR_SUCCESS)
            code = policy_enforce(engine, image, error);
        else
            classify_image_free(image);
    }
    if (code == ERROR_SUCCESS) {
        engine->behind = false;
        engine->images++;
        stand_in_end(engine);
    }
    return code;
}

/* ---- by a change ---- */

struct changes {
    struct model_view_filter added[CHANGES_MAX], deleted[CHANGES_MAX];
    size_t added_count, deleted_count;
};

static int gather(void *ctx, const struct model_view_filter *filter, bool added)
{
    struct changes *changes = ctx;

    if (changes->added_count + changes->deleted_count == CHANGES_MAX)
        return 1;
    if (added)
        changes->added[changes->added_count++] = *filter;
    else
        changes->deleted[changes->deleted_count++] = *filter;
    return 0;
}

static uint32_t publish(struct engine *engine, const struct model_view *view,
                        struct model_error *error)
{
    uint32_t code = model_view_keep(view, error);

    if (code != ERROR_SUCCESS) {
        classify_change_cancel(engine->image);
        return code;
    }
    if (engine->shim)
        return hand_over(engine, engine->image, shim_change, error);
    classify_change_publish(engine->image);
    return ERROR_SUCCESS;
}

static uint32_t change_image(struct engine *engine, const struct model_view *view,
                             const struct changes *changes, struct model_error *error)
{
    const struct classify_intern intern = {&engine->apps, number_of_app};
    const struct classify_change change = {changes->added, changes->deleted, changes->added_count,
                                           changes->deleted_count};
    uint32_t code = classify_change_prepare(engine->image, &change, &intern, error);

    if (code == ERROR_SUCCESS)
        code = publish(engine, view, error);
    if (code == ERROR_SUCCESS)
        engine->changes++;
    return code;
}

/* CLASSIFY_NO_ROOM: it must be done as a whole. */
static uint32_t apply_change(struct engine *engine, const struct model_view *view,
                             struct model_error *error)
{
    struct changes changes = {.added_count = 0};
    uint32_t code;

    if (!engine->image || engine->behind || !model_view_has_delta(view) ||
        model_view_changes(view, gather, &changes))
        return CLASSIFY_NO_ROOM;
    if (!changes.added_count && !changes.deleted_count)
        return ERROR_SUCCESS;
    code = change_image(engine, view, &changes, error);
    if (code == CLASSIFY_NO_ROOM && rebuild_await(engine))
        code = change_image(engine, view, &changes, error);
    return code;
}

/* Connections are reauthorized at the layers that authorize them (15.9), and only there (15.11). */
static bool concerns_connections(const struct model_view *view)
{
    return model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_CONNECT_V4) ||
           model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_CONNECT_V6) ||
           model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4) ||
           model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6);
}

static uint32_t apply(struct engine *engine, const struct model_view *view,
                      struct model_error *error)
{
    uint32_t code = apply_change(engine, view, error);

    if (code == CLASSIFY_NO_ROOM)
        code = apply_whole(engine, view, error);
    /* Also what changes nothing that is enforced now, as boot-time filters do not. */
    return code == ERROR_SUCCESS ? model_view_keep(view, error) : code;
}

uint32_t engine_apply(struct engine *engine, const struct model_view *view,
                      struct model_error *error)
{
    const struct engine_need need = engine_hold_look(engine, view), before = engine->need;
    uint32_t code;

    if (stand_in_goes_on(engine, view, &code, error))
        return code;
    code = engine_hold_prepare(engine, &need, error);
    if (code == ERROR_SUCCESS)
        code = boot_prepare(engine, view, error);
    if (code == ERROR_SUCCESS)
        code = apply(engine, view, error);
    boot_settle(engine, code == ERROR_SUCCESS);
    engine_hold_settle(engine, code == ERROR_SUCCESS ? &need : &before);
    if (code == ERROR_SUCCESS) {
        engine->commits++;
        rebuild_consider(engine);
        if (concerns_connections(view))
            engine_reauthorize(engine);
        engine_hosts_notify(engine, view);
    } else {
        engine->refusals++;
    }
    return code;
}
