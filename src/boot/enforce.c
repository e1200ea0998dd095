#include "boot/enforce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/closed.h"
#include "classify/restore.h"

static int fail(struct shim_error *error, int code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text), "%s", text);
    return code;
}

/* In pins that are new the programs get the numbers of the list, one after the other. */
static int name_apps(struct shim *shim, const struct boot_image *image, struct shim_error *error)
{
    for (uint32_t i = 0; i < image->app_count; i++)
        if (shim_app_number(shim, image->apps[i]) != i + 1)
            return fail(error, -EEXIST,
                        "its programs can't have the numbers that its policy knows");
    return 0;
}

static int commit(struct shim *shim, struct classify_image *policy, struct shim_standing standing,
                  struct shim_error *error)
{
    int code = shim_commit(shim, policy, error);

    classify_image_free(policy);
    if (!code)
        shim_set_standing(shim, standing);
    return code;
}

int boot_enforce_image(struct shim *shim, const struct boot_image *image, struct shim_error *error)
{
    struct classify_image *policy;
    int code = name_apps(shim, image, error);

    if (!code)
        code = shim_callouts_install(shim, image->callouts, image->callout_count, error);
    if (code)
        return code;
    policy = classify_image_restore(image->policy, image->policy_size, image->groups,
                                    image->group_count);
    return policy ? commit(shim, policy, (struct shim_standing){SHIM_ORIGIN_BOOT, image->checksum},
                           error)
                  : fail(error, -ENOMEM, "out of memory");
}

int boot_enforce_closed(struct shim *shim, struct shim_error *error)
{
    struct model_error why = {0};
    struct classify_image *policy = boot_closed_policy(&why);

    return policy ? commit(shim, policy, (struct shim_standing){SHIM_ORIGIN_CLOSED, 0}, error)
                  : fail(error, -EINVAL, why.text);
}
