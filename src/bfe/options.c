#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/image.h"

#define DEFAULT_SOCKET "/run/openwfp/bfe.sock"
#define DEFAULT_STORE  "/var/lib/openwfp/policy.db"

static const char usage_text[] =
    "Usage: bfe [OPTION]...\n"
    "The base filtering engine: serves the filtering API and has the kernel enforce the policy.\n"
    "\n"
    "  --socket PATH      serve on this Unix socket ($OPENWFP_SOCKET, " DEFAULT_SOCKET ")\n"
    "  --state FILE       keep the policy here over a restart of bfe (PATH with .policy)\n"
    "  --boot-image FILE  keep the boot-time filters here, for openwfp-boot (" BOOT_IMAGE_FILE ",\n"
    "                     with a socket of one's own PATH with .boot)\n"
    "  --store FILE       keep what is persistent here over a restart of the machine\n"
    "                     (" DEFAULT_STORE "; with --socket PATH, PATH with .db)\n"
    "  --pin-dir DIR      pin the kernel programs below DIR (/sys/fs/bpf/openwfp)\n"
    "  --cgroup DIR       cover only processes in this cgroup v2 subtree\n"
    "  --netns FILE|all   cover only sockets of this network namespace (all)\n"
    "  --admin-group NAME members of this group may do what root may\n"
    "  --driver-host FILE program that callout drivers run in (openwfp-driver-host)\n"
    "  --driver-user NAME callout drivers run as this user (as bfe, without capabilities)\n"
    "  --no-kernel        serve the API but enforce NOTHING (for tests)\n"
    "  --remove-on-exit   an orderly stop also ends enforcement\n"
    "  --remove           end all enforcement, forget what is not persistent, and leave\n"
    "  --forget           the same, and forget the persistent policy too\n"
    "  --log stderr|journal   where to log (journal when systemd started us)\n"
    "  --help, --version\n"
    "\n"
    "When bfe stops or dies the kernel goes on enforcing; bfe started again takes over.\n"
    "Exit codes: 0 stopped in order, 1 failed, 2 wrong usage, 3 the kernel or the rights don't\n"
    "allow enforcement, 4 another bfe serves this socket.\n";

enum option_code {
    OPTION_SOCKET = 256,
    OPTION_STATE,
    OPTION_BOOT_IMAGE,
    OPTION_STORE,
    OPTION_PIN_DIR,
    OPTION_CGROUP,
    OPTION_NETNS,
    OPTION_ADMIN_GROUP,
    OPTION_DRIVER_HOST,
    OPTION_DRIVER_USER,
    OPTION_NO_KERNEL,
    OPTION_REMOVE_ON_EXIT,
    OPTION_REMOVE,
    OPTION_FORGET,
    OPTION_LOG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"state", required_argument, NULL, OPTION_STATE},
    {"boot-image", required_argument, NULL, OPTION_BOOT_IMAGE},
    {"store", required_argument, NULL, OPTION_STORE},
    {"pin-dir", required_argument, NULL, OPTION_PIN_DIR},
    {"cgroup", required_argument, NULL, OPTION_CGROUP},
    {"netns", required_argument, NULL, OPTION_NETNS},
    {"admin-group", required_argument, NULL, OPTION_ADMIN_GROUP},
    {"driver-host", required_argument, NULL, OPTION_DRIVER_HOST},
    {"driver-user", required_argument, NULL, OPTION_DRIVER_USER},
    {"no-kernel", no_argument, NULL, OPTION_NO_KERNEL},
    {"remove-on-exit", no_argument, NULL, OPTION_REMOVE_ON_EXIT},
    {"remove", no_argument, NULL, OPTION_REMOVE},
    {"forget", no_argument, NULL, OPTION_FORGET},
    {"log", required_argument, NULL, OPTION_LOG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL},
};

static int wrong(const char *what, const char *value, const char *hint)
{
    fprintf(stderr, "bfe: %s \"%s\": %s\n", what, value, hint);
    return BFE_EXIT_USAGE;
}

static int parse_netns(struct bfe_options *options, const char *value)
{
    struct stat st;

    if (!strcmp(value, "all")) {
        options->netns = 0;
        return -1;
    }
    if (stat(value, &st) < 0)
        return wrong("--netns", value, strerror(errno));
    options->netns = st.st_ino;
    return -1;
}

static int parse_group(struct bfe_options *options, const char *value)
{
    const struct group *group = getgrnam(value);

    if (!group)
        return wrong("--admin-group", value, "there is no such group");
    options->admin_group = group->gr_gid;
    return -1;
}

static int parse_driver_user(struct bfe_options *options, const char *value)
{
    const struct passwd *user = getpwnam(value);

    if (!user)
        return wrong("--driver-user", value, "there is no such user");
    options->driver_uid = user->pw_uid;
    options->driver_gid = user->pw_gid;
    return -1;
}

static int parse_log(struct bfe_options *options, const char *value)
{
    if (!strcmp(value, "stderr"))
        options->log = LOG_TO_STDERR;
    else if (!strcmp(value, "journal"))
        options->log = LOG_TO_JOURNAL;
    else
        return wrong("--log", value, "give stderr or journal");
    return -1;
}

static int parse_one(struct bfe_options *options, int code)
{
    switch (code) {
    case OPTION_SOCKET:
        options->socket = optarg;
        return -1;
    case OPTION_STATE:
        options->state = optarg;
        return -1;
    case OPTION_BOOT_IMAGE:
        options->boot_image = optarg;
        return -1;
    case OPTION_STORE:
        options->store = optarg;
        return -1;
    case OPTION_PIN_DIR:
        options->pin_dir = optarg;
        return -1;
    case OPTION_CGROUP:
        options->cgroup = optarg;
        return -1;
    case OPTION_NETNS:
        return parse_netns(options, optarg);
    case OPTION_ADMIN_GROUP:
        return parse_group(options, optarg);
    case OPTION_DRIVER_HOST:
        options->driver_host = optarg;
        return -1;
    case OPTION_DRIVER_USER:
        return parse_driver_user(options, optarg);
    case OPTION_NO_KERNEL:
        options->no_kernel = true;
        return -1;
    case OPTION_REMOVE_ON_EXIT:
        options->remove_on_exit = true;
        return -1;
    case OPTION_REMOVE:
        options->remove = true;
        return -1;
    case OPTION_FORGET:
        options->remove = options->forget = true;
        return -1;
    case OPTION_LOG:
        return parse_log(options, optarg);
    case OPTION_HELP:
        fputs(usage_text, stdout);
        return BFE_EXIT_OK;
    case OPTION_VERSION:
        puts("bfe (OpenWFP) " OPENWFP_VERSION);
        return BFE_EXIT_OK;
    default:
        fputs("bfe: \"bfe --help\" lists the options\n", stderr);
        return BFE_EXIT_USAGE;
    }
}

/* "/run/openwfp/bfe.sock" with another suffix. */
static const char *derive(const struct bfe_options *options, const char *suffix, char **owned)
{
    size_t length = strlen(options->socket);

    if (length > 5 && !strcmp(options->socket + length - 5, ".sock"))
        length -= 5;
    if (asprintf(owned, "%.*s.%s", (int)length, options->socket, suffix) < 0)
        *owned = NULL;
    return *owned;
}

/* The machine's bfe has its files where the machine's start looks for them. */
static const char *derive_lasting(const struct bfe_options *options, const char *fixed,
                                  const char *suffix, char **owned)
{
    return strcmp(options->socket, DEFAULT_SOCKET) != 0 ? derive(options, suffix, owned) : fixed;
}

static int derive_files(struct bfe_options *options)
{
    if (!options->state)
        options->state = derive(options, "policy", &options->owned_state);
    if (!options->store)
        options->store = derive_lasting(options, DEFAULT_STORE, "db", &options->owned_store);
    if (!options->boot_image)
        options->boot_image =
            derive_lasting(options, BOOT_IMAGE_FILE, "boot", &options->owned_boot);
    if (options->state && options->store && options->boot_image)
        return -1;
    fputs("bfe: out of memory\n", stderr);
    return BFE_EXIT_FAILED;
}

/* Installed, or beside this program where it was built. */
static void derive_host(struct bfe_options *options)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (options->driver_host)
        return;
    options->driver_host = OPENWFP_DRIVER_HOST;
    self[length < 0 ? 0 : length] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return;
    *slash = '\0';
    if (asprintf(&options->owned_host, "%s/../fwpkclnt/openwfp-driver-host", self) < 0)
        options->owned_host = NULL;
    else if (access(options->owned_host, X_OK) == 0)
        options->driver_host = options->owned_host;
}

int bfe_options_parse(struct bfe_options *options, int argc, char **argv)
{
    int code, left;

    *options = (struct bfe_options){
        .socket = getenv("OPENWFP_SOCKET"),
        .admin_group = (gid_t)-1,
        .driver_uid = (uid_t)-1,
        .log = log_detect(),
    };
    while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        left = parse_one(options, code);
        if (left >= 0)
            return left;
    }
    if (optind < argc)
        return wrong("argument", argv[optind], "bfe takes options only, see bfe --help");
    if (options->cgroup && options->netns)
        return wrong("--cgroup", options->cgroup, "can't be combined with --netns; choose one");
    if (!options->socket || !*options->socket)
        options->socket = DEFAULT_SOCKET;
    derive_host(options);
    return derive_files(options);
}

void bfe_options_free(struct bfe_options *options)
{
    free(options->owned_state);
    free(options->owned_boot);
    free(options->owned_store);
    free(options->owned_host);
}
