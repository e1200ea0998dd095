#include "src/wfp/question.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/conditions.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/values.h"
#include "src/wfp/policy/words.h"

#define MAX_GROUPS 65536

struct end {
    bool has_address, has_port;
    int family;
    u128 address;
    uint16_t port;
};

/* The readers report into a policy's report; here the first message is what is wrong. */
static int bad(struct cli *cli, const struct report *report)
{
    return cli_usage(cli, "%s%s%s", report->first->text, report->first->hint == NULL ? "" : ": ",
                     report->first->hint == NULL ? "" : report->first->hint);
}

/* ADDRESS, ADDRESS:PORT, [ADDRESS6]:PORT, :PORT, * */
static void split(struct arena *arena, const char *text, const char **address, const char **port)
{
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[' && strchr(text, ']') != NULL;
    bool plain_v6 = !bracket && colon != NULL && strchr(text, ':') != colon;
    const char *close = bracket ? strchr(text, ']') : NULL;
    *port = plain_v6 || colon == NULL || (bracket && colon < close) ? NULL : colon + 1;
    if (bracket)
        *address = arena_strndup(arena, text + 1, (size_t)(close - text - 1));
    else
        *address = *port == NULL ? text : arena_strndup(arena, text, (size_t)(colon - text));
}

static bool read_end(const struct reader *reader, const char *text, struct end *end)
{
    struct value value = {.text = ""};
    struct address_range range;
    struct span span;
    const char *address, *port;
    split(reader->arena, text, &address, &port);
    *end = (struct end){.has_port = port != NULL,
                        .has_address = *address != '\0' && strcmp(address, "*") != 0};
    if (end->has_address) {
        value.text = address;
        if (!read_address(reader, &value, &range))
            return false;
        end->family = range.family;
        end->address = range.span.lo;
    }
    if (end->has_port) {
        value.text = port;
        if (!read_port(reader, &value, &span))
            return false;
        end->port = (uint16_t)span.lo;
    }
    return true;
}

/* ---- fields ---- */

static FWP_VALUE0 *field(struct question *question, const GUID *key, FWP_DATA_TYPE type)
{
    OPENWFP_FIELD_VALUE *entry = &question->fields[question->request.numFields++];
    entry->fieldKey = *key;
    entry->value.type = type;
    return &entry->value;
}

static void add_address(struct cli *cli, struct question *question, const GUID *key, u128 address,
                        enum family family)
{
    if (family == FAMILY_V4) {
        field(question, key, FWP_UINT32)->uint32 = (UINT32)address;
        return;
    }
    FWP_BYTE_ARRAY16 *array = arena_alloc(cli->arena, sizeof(*array));
    for (size_t i = 16; i-- > 0; address >>= 8)
        array->byteArray16[i] = (UINT8)address;
    field(question, key, FWP_BYTE_ARRAY16_TYPE)->byteArray16 = array;
}

static void add_end(struct cli *cli, struct question *question, const struct end *end,
                    enum family family, bool remote)
{
    if (end->has_address)
        add_address(cli, question,
                    remote ? &FWPM_CONDITION_IP_REMOTE_ADDRESS : &FWPM_CONDITION_IP_LOCAL_ADDRESS,
                    end->address, family);
    if (end->has_port)
        field(question, remote ? &FWPM_CONDITION_IP_REMOTE_PORT : &FWPM_CONDITION_IP_LOCAL_PORT,
              FWP_UINT16)
            ->uint16 = end->port;
}

static bool is_loopback(const struct end *end)
{
    return end->has_address && (end->family == 4 ? end->address >> 24 == 127 : end->address == 1);
}

static int add_flags(struct cli *cli, struct question *question, const char *names, bool loopback)
{
    uint32_t flags = loopback ? FWP_CONDITION_FLAG_IS_LOOPBACK : 0;
    char *list = arena_strdup(cli->arena, names == NULL ? "" : names), *rest = list;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        int flag = *name == '\0' ? 0 : word_find(words_flags, name);
        if (flag < 0)
            return cli_usage(cli, "\"%s\" is not a flag: %s", name,
                             word_list(cli->arena, words_flags));
        flags |= (uint32_t)flag;
    }
    field(question, &FWPM_CONDITION_FLAGS, FWP_UINT32)->uint32 = flags;
    return EXIT_DONE;
}

/* ---- the user ---- */

static int set_user(struct cli *cli, struct question *question, const char *name)
{
    OPENWFP_EXPLAIN_REQUEST *request = &question->request;
    uint64_t number = geteuid();
    int count = MAX_GROUPS;
    const struct passwd *entry = name == NULL ? getpwuid(geteuid()) : getpwnam(name);
    if (entry == NULL && name != NULL && !number_parse(name, UINT32_MAX - 1, &number))
        return cli_usage(cli, "there is no user \"%s\"", name);
    if (entry == NULL)
        entry = getpwuid((uid_t)number);
    request->hasUser = TRUE;
    request->uid = entry == NULL ? (UINT32)number : entry->pw_uid;
    request->gid = entry == NULL ? request->uid : entry->pw_gid;
    if (entry == NULL)
        return EXIT_DONE;
    request->groups = arena_alloc(cli->arena, MAX_GROUPS * sizeof(gid_t));
    getgrouplist(entry->pw_name, entry->pw_gid, request->groups, &count);
    request->numGroups = count < 0 || count > MAX_GROUPS ? 0 : (UINT32)count;
    return EXIT_DONE;
}

/* ---- the whole ---- */

static int read_layer_word(struct cli *cli, struct question *question)
{
    int layer = word_find(words_layers, cli->argv[0]);
    if (layer < 0)
        return cli_usage(cli, "\"%s\" is not a layer: %s", cli->argv[0],
                         word_list(cli->arena, words_layers));
    question->layer = (enum rule_layer)layer;
    return EXIT_DONE;
}

static int add_app(struct cli *cli, struct question *question)
{
    const char *path = cli->argv[2];
    const char *canonical = environment_host.canonical(NULL, cli->arena, path);
    if (canonical == NULL && path[0] != '/')
        return cli_usage(cli, "\"%s\" is not a program's whole path, like /usr/bin/curl", path);
    question->app = canonical == NULL ? path : canonical;
    field(question, &FWPM_CONDITION_ALE_APP_ID, FWP_BYTE_BLOB_TYPE)->byteBlob =
        app_id_make(cli->arena, question->app);
    return EXIT_DONE;
}

static int check_ends(struct cli *cli, const struct end *main, const struct end *local)
{
    if (main->has_address && local->has_address && main->family != local->family)
        return cli_usage(cli, "both addresses must be of one IP version");
    return EXIT_DONE;
}

int question_read(struct cli *cli, const struct question_options *options,
                  struct question *question)
{
    struct report report;
    struct reader reader = {cli->arena, &report, &environment_host};
    struct value protocol = {.text = cli->argv[1]};
    struct end main_end, local = {0};
    struct span number;
    report_init(&report, cli->arena);
    *question = (struct question){.request = {.numFields = 0}};
    int result = read_layer_word(cli, question);
    if (result != EXIT_DONE)
        return result;
    if (!read_protocol(&reader, &protocol, &number) ||
        !read_end(&reader, cli->argv[3], &main_end) ||
        (options->local != NULL && !read_end(&reader, options->local, &local)))
        return bad(cli, &report);
    const struct layer_facts *facts = layer_facts(question->layer);
    int version = main_end.has_address ? main_end.family : local.family;
    enum family family = version == 6 ? FAMILY_V6 : FAMILY_V4;
    question->request.layerId = facts->ids[family];
    question->request.fields = question->fields;
    result = add_app(cli, question);
    if (result != EXIT_DONE)
        return result;
    if (facts->protocol)
        field(question, &FWPM_CONDITION_IP_PROTOCOL, FWP_UINT8)->uint8 = (UINT8)number.lo;
    add_end(cli, question, &main_end, family, facts->remote);
    if (facts->remote)
        add_end(cli, question, &local, family, false);
    question->text = arena_printf(cli->arena, "%s %s %s %s", cli->argv[0], cli->argv[1],
                                  question->app, cli->argv[3]);
    result = check_ends(cli, &main_end, &local);
    if (result == EXIT_DONE)
        result = set_user(cli, question, options->user);
    return result == EXIT_DONE ? add_flags(cli, question, options->flags, is_loopback(&main_end))
                               : result;
}
