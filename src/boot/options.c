#include "boot/options.h"

#include <getopt.h>
#include <stdio.h>

#include "boot/image.h"

static const char usage_text[] =
    "Usage: openwfp-boot [OPTION]...\n"
    "Puts the boot-time filters in force that bfe has compiled into the boot image, and ends: the\n"
    "kernel enforces them until bfe takes over.\n"
    "\n"
    "  --image FILE       the boot image (" BOOT_IMAGE_FILE ")\n"
    "  --pin-dir DIR      pin the kernel programs below DIR (" SHIM_PIN_DIR ")\n"
    "  --cgroup DIR       cover only processes in this cgroup v2 subtree\n"
    "  --kmsg             write to the kernel's log instead of stderr\n"
    "  --cmdline FILE     the kernel's command line (/proc/cmdline)\n"
    "  --check            only look whether the image is usable, and what it is\n"
    "  --help, --version\n"
    "\n"
    "Nothing is done without an image, when bfe or a loader with the same image was here, and "
    "with\n"
    "openwfp=off on the kernel's command line. With an image that is damaged or of another "
    "version\n"
    "a closed policy is put in force: only loopback, DHCP and IPv6's neighbour discovery.\n"
    "Exit codes: 0 done or nothing to do, 1 the image is unusable: the closed policy is in force,\n"
    "or what was before, 2 wrong usage, 3 the kernel or the rights don't allow enforcement: "
    "NOTHING\n"
    "is in force.\n";

enum option_code {
    OPTION_IMAGE = 256,
    OPTION_PIN_DIR,
    OPTION_CGROUP,
    OPTION_KMSG,
    OPTION_CMDLINE,
    OPTION_CHECK,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"image", required_argument, NULL, OPTION_IMAGE},
    {"pin-dir", required_argument, NULL, OPTION_PIN_DIR},
    {"cgroup", required_argument, NULL, OPTION_CGROUP},
    {"kmsg", no_argument, NULL, OPTION_KMSG},
    {"cmdline", required_argument, NULL, OPTION_CMDLINE},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL},
};

static int parse_one(struct boot_options *options, int code)
{
    switch (code) {
    case OPTION_IMAGE:
        options->image = optarg;
        return -1;
    case OPTION_PIN_DIR:
        options->pin_dir = optarg;
        return -1;
    case OPTION_CGROUP:
        options->cgroup = optarg;
        return -1;
    case OPTION_KMSG:
        options->kernel_log = true;
        return -1;
    case OPTION_CMDLINE:
        options->command_line = optarg;
        return -1;
    case OPTION_CHECK:
        options->check = true;
        return -1;
    case OPTION_HELP:
        fputs(usage_text, stdout);
        return BOOT_EXIT_OK;
    case OPTION_VERSION:
        puts("openwfp-boot (OpenWFP) " OPENWFP_VERSION);
        return BOOT_EXIT_OK;
    default:
        fputs("openwfp-boot: \"openwfp-boot --help\" lists the options\n", stderr);
        return BOOT_EXIT_USAGE;
    }
}

int boot_options_parse(struct boot_options *options, int argc, char **argv)
{
    int code, left;

    *options = (struct boot_options){
        .image = BOOT_IMAGE_FILE, .pin_dir = SHIM_PIN_DIR, .command_line = "/proc/cmdline"};
    while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        left = parse_one(options, code);
        if (left >= 0)
            return left;
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "openwfp-boot: it takes no argument \"%s\", see openwfp-boot --help\n",
            argv[optind]);
    return BOOT_EXIT_USAGE;
}
