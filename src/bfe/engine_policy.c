/* From the model's policy to what is enforced. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

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

static uint32_t enforce(struct engine *engine, const struct classify_image *image,
                        struct model_error *error)
{
    struct shim_error *failed;
    uint32_t code = ERROR_SUCCESS;
    int result;

    if (!engine->shim)
        return ERROR_SUCCESS;
    failed = calloc(1, sizeof(*failed));
    if (!failed)
        return fail(error, -ENOMEM, "the kernel did not take the policy", "out of memory");
    result = shim_commit(engine->shim, image, failed);
    if (result < 0)
        code = fail(error, result, "the kernel did not take the policy", failed->text);
    free(failed);
    return code;
}

static uint32_t apply_whole(struct engine *engine, const struct model_view *view,
                            struct model_error *error)
{
    const struct classify_intern intern = {&engine->apps, number_of_app};
    struct classify_image *image = NULL;
    uint32_t code = classify_compile_view(view, &intern, &image, error);

    if (code != ERROR_SUCCESS)
        return code;
    code = enforce(engine, image, error);
    if (code != ERROR_SUCCESS) {
        classify_image_free(image);
        return code;
    }
    classify_image_free(engine->image);
    engine->image = image;
    engine->behind = false;
    return ERROR_SUCCESS;
}

uint32_t engine_apply(struct engine *engine, const struct model_view *view,
                      struct model_error *error)
{
    uint32_t code = apply_whole(engine, view, error);

    if (code == ERROR_SUCCESS)
        engine->commits++;
    else
        engine->refusals++;
    return code;
}
