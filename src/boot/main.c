/* openwfp-boot: from the boot image to programs that are pinned. It runs once and ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/enforce.h"
#include "boot/options.h"
#include "boot/say.h"
#include "boot/system.h"

#define REPAIR                                                                                     \
    "start bfe, which makes the image anew, then make the initramfs anew: update-initramfs -u; "   \
    "openwfp=off on the kernel's command line switches OpenWFP off for one boot"

/* The image as it was found. */
struct found {
    int code; /* 0; -ENOENT: there is none; else it is unusable */
    uint8_t *bytes;
    struct boot_image image;
    struct boot_reason reason;
};

static void find_image(const char *path, struct found *found)
{
    size_t size;

    *found = (struct found){.code = 0};
    found->code = boot_image_read(path, &found->bytes, &size);
    if (found->code)
        snprintf(found->reason.text, sizeof(found->reason.text), "%s", strerror(-found->code));
    else
        found->code = boot_image_decode(&found->image, found->bytes, size, &found->reason);
}

static int check(const struct boot_options *options, const struct found *found)
{
    const struct boot_image *image = &found->image;

    if (found->code == -ENOENT)
        say_stage("%s: there is none: no boot-time filters were asked for", options->image);
    else if (found->code)
        say_problem("%s is unusable: %s", options->image, found->reason.text);
    else
        say_stage("%s: %u filters, %u programs, %u groups, %u callouts, %zu bytes of policy",
                  options->image, image->filters, image->app_count, image->group_count,
                  image->callout_count, image->policy_size);
    return found->code && found->code != -ENOENT ? BOOT_EXIT_DAMAGED : BOOT_EXIT_OK;
}

static struct shim *open_shim(const struct boot_options *options)
{
    const struct shim_options where = {
        .scope = options->cgroup ? SHIM_SCOPE_CGROUP : SHIM_SCOPE_MACHINE,
        .cgroup = options->cgroup,
        .pin_dir = options->pin_dir,
        .afresh = true,
    };
    static struct shim_error error;
    struct shim *shim = NULL;

    if (shim_open(&where, &shim, &error)) {
        say_problem("NOTHING is enforced: %s", error.text);
        if (error.log[0])
            say_problem("the verifier says: %s", error.log);
        return NULL;
    }
    say_stage("maps are made and pinned in %s", options->pin_dir);
    return shim;
}

/* What no policy came to be in force through is not left behind. */
static int enforce_closed(struct shim *shim, const struct boot_options *options)
{
    static struct shim_error error;

    if (!boot_enforce_closed(shim, &error)) {
        say_problem("the closed policy is in force: only loopback, DHCP and neighbour discovery "
                    "pass. What to do: " REPAIR);
        return BOOT_EXIT_DAMAGED;
    }
    say_problem("NOTHING is enforced: the closed policy can't be put in force: %s", error.text);
    shim_remove(options->pin_dir, NULL);
    return BOOT_EXIT_KERNEL;
}

static int enforce_image(struct shim *shim, const struct boot_options *options,
                         const struct found *found)
{
    static struct shim_error error;
    int code = boot_enforce_image(shim, &found->image, &error);

    if (code)
        say_problem("%s can't be put in force: %s %s", options->image, error.text, error.log);
    else
        say_stage("programs are attached, %u boot-time filters are in force", found->image.filters);
    return code;
}

/* Nothing is pinned. */
static int enforce(const struct boot_options *options, const struct found *found)
{
    struct shim *shim = open_shim(options);
    int code = found->code;

    if (!shim)
        return BOOT_EXIT_KERNEL;
    if (!code)
        code = enforce_image(shim, options, found);
    code = code ? enforce_closed(shim, options) : BOOT_EXIT_OK;
    shim_close(shim);
    return code;
}

/* A loader before us had another image, or none that was usable: from the initramfs. */
static int supersede(const struct boot_options *options, const struct found *found)
{
    struct shim *shim = open_shim(options);
    int code = shim ? enforce_image(shim, options, found) : -1;

    shim_close(shim);
    if (code)
        say_problem("what was in force before goes on");
    return code ? BOOT_EXIT_DAMAGED : BOOT_EXIT_OK;
}

static bool is_newer(const struct found *found, const struct shim_standing *standing)
{
    return standing->origin == SHIM_ORIGIN_CLOSED ||
           (standing->origin == SHIM_ORIGIN_BOOT && standing->image != found->image.checksum);
}

static int leave_alone(const struct boot_options *options)
{
    say_stage("programs are pinned in %s already: nothing to do", options->pin_dir);
    return BOOT_EXIT_OK;
}

static int choose(const struct boot_options *options, const struct found *found)
{
    struct shim_standing standing;

    if (!shim_pinned(options->pin_dir))
        return enforce(options, found);
    if (found->code || shim_standing_of(options->pin_dir, &standing) || !is_newer(found, &standing))
        return leave_alone(options);
    return supersede(options, found);
}

static int run(const struct boot_options *options, const struct found *found)
{
    int code;

    if (system_switched_off(options->command_line)) {
        say_problem("openwfp=off is on the kernel's command line: nothing is enforced");
        return BOOT_EXIT_OK;
    }
    check(options, found);
    if (found->code == -ENOENT)
        return BOOT_EXIT_OK;
    if (system_mount_sys())
        return BOOT_EXIT_KERNEL;
    code = choose(options, found);
    system_unmount_cgroup2();
    return code;
}

int main(int argc, char **argv)
{
    struct boot_options options;
    struct found found;
    int code = boot_options_parse(&options, argc, argv);

    if (code >= 0)
        return code;
    if (options.kernel_log)
        say_to_kernel();
    if (!options.check && system_mount_proc())
        return BOOT_EXIT_KERNEL;
    say_begin();
    find_image(options.image, &found);
    code = options.check ? check(&options, &found) : run(&options, &found);
    boot_image_free(&found.image);
    free(found.bytes);
    return code;
}
