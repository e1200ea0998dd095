#include "src/wfp/policy/meaning_values.h"

#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/report.h"

#define ICMP    1
#define TCP     6
#define UDP     17
#define DCCP    33
#define ICMP6   58
#define SCTP    132
#define UDPLITE 136

#define MAPPED ((u128)0xffff << 32) /* ::ffff:0:0/96 */

static size_t count_values(const struct value *values)
{
    size_t count = 0;
    for (; values != NULL; values = values->next)
        count++;
    return count;
}

static struct spans *spans_of(struct meaning *meaning, int family, enum field field)
{
    return &meaning->tests[family][field].spans;
}

static void make_room(const struct reader *reader, struct meaning *meaning, enum field field,
                      size_t count)
{
    for (int family = 0; family < FAMILIES; family++)
        *spans_of(meaning, family, field) = spans_new(reader->arena, count);
}

static void normalise(struct meaning *meaning, enum field field)
{
    for (int family = 0; family < FAMILIES; family++)
        spans_normalise(spans_of(meaning, family, field));
}

static void add_both(struct meaning *meaning, enum field field, const struct span *span)
{
    for (int family = 0; family < FAMILIES; family++)
        spans_add(spans_of(meaning, family, field), span->lo, span->hi);
}

bool meaning_spans(const struct reader *reader, struct meaning *meaning, enum field field,
                   const struct value *values, read_span read)
{
    bool good = true;
    make_room(reader, meaning, field, count_values(values));
    for (; values != NULL; values = values->next) {
        struct span span;
        if (read(reader, values, &span))
            add_both(meaning, field, &span);
        else
            good = false;
    }
    normalise(meaning, field);
    return good;
}

static bool within_mapped(const struct span *span)
{
    return span->lo >= MAPPED && span->hi <= (MAPPED | UINT32_MAX);
}

static bool is_mapped(const struct spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (!within_mapped(&spans->list[i]))
            return false;
    }
    return true;
}

static bool is_native(const struct spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->list[i].hi >= MAPPED && spans->list[i].lo <= (MAPPED | UINT32_MAX))
            return false;
    }
    return true;
}

bool meaning_ends_disagree(const struct meaning *meaning)
{
    const struct field_test *tests = meaning->tests[FAMILY_V6];
    const struct field_test *local = &tests[FIELD_LOCAL_ADDRESS];
    const struct field_test *remote = &tests[FIELD_REMOTE_ADDRESS];
    if (!meaning->given[FIELD_LOCAL_ADDRESS] || !meaning->given[FIELD_REMOTE_ADDRESS] ||
        local->negated || remote->negated)
        return false;
    return (is_mapped(&local->spans) && is_native(&remote->spans)) ||
           (is_native(&local->spans) && is_mapped(&remote->spans));
}

static void add_address(struct meaning *meaning, enum field field,
                        const struct address_range *range)
{
    const struct span *span = &range->span;
    struct spans *v4 = spans_of(meaning, FAMILY_V4, field);
    struct spans *v6 = spans_of(meaning, FAMILY_V6, field);
    if (range->family == 4) {
        spans_add(v4, span->lo, span->hi);
        spans_add(v6, MAPPED | span->lo, MAPPED | span->hi);
    } else {
        spans_add(v6, span->lo, span->hi);
    }
}

bool meaning_addresses(const struct reader *reader, struct meaning *meaning, enum field field,
                       const struct value *values)
{
    bool good = true;
    make_room(reader, meaning, field, count_values(values));
    for (; values != NULL; values = values->next) {
        struct address_range range;
        if (read_address(reader, values, &range))
            add_address(meaning, field, &range);
        else
            good = false;
    }
    normalise(meaning, field);
    return good;
}

bool meaning_protocols(const struct reader *reader, struct meaning *meaning,
                       const struct value *values)
{
    bool good = true;
    make_room(reader, meaning, FIELD_PROTOCOL, count_values(values));
    for (; values != NULL; values = values->next) {
        struct span span;
        if (!read_protocol(reader, values, &span)) {
            good = false;
        } else if (strcmp(values->text, "icmp") == 0) {
            spans_add(spans_of(meaning, FAMILY_V4, FIELD_PROTOCOL), ICMP, ICMP);
        } else if (strcmp(values->text, "icmp6") == 0) {
            spans_add(spans_of(meaning, FAMILY_V6, FIELD_PROTOCOL), ICMP6, ICMP6);
        } else {
            add_both(meaning, FIELD_PROTOCOL, &span);
        }
    }
    normalise(meaning, FIELD_PROTOCOL);
    return good;
}

void meaning_with_ports(const struct reader *reader, struct meaning *meaning)
{
    static const uint8_t protocols[] = {TCP, UDP, DCCP, SCTP, UDPLITE};
    meaning->given[FIELD_PROTOCOL] = true;
    make_room(reader, meaning, FIELD_PROTOCOL, sizeof(protocols));
    for (size_t i = 0; i < sizeof(protocols); i++)
        add_both(meaning, FIELD_PROTOCOL, &(struct span){protocols[i], protocols[i]});
}

bool meaning_is_icmp(const struct meaning *meaning)
{
    if (!meaning->given[FIELD_PROTOCOL] || meaning->tests[0][FIELD_PROTOCOL].negated)
        return false;
    for (int family = 0; family < FAMILIES; family++) {
        const struct spans *spans = &meaning->tests[family][FIELD_PROTOCOL].spans;
        for (size_t i = 0; i < spans->count; i++) {
            const struct span *span = &spans->list[i];
            if (span->lo != span->hi || (span->lo != ICMP && span->lo != ICMP6))
                return false;
        }
    }
    return true;
}

/* ---- programs ---- */

struct path_list {
    const struct path *first;
    size_t count;
};

static void push(const struct reader *reader, struct path_list *list, const char *text)
{
    struct path *path = arena_alloc(reader->arena, sizeof(*path));
    path->text = text;
    path->next = list->first;
    list->first = path;
    list->count++;
}

static void push_pattern(const struct reader *reader, const struct value *value,
                         struct path_list *list)
{
    const struct environment *environment = reader->environment;
    const struct path *found = environment->match(environment->ctx, reader->arena, value->text);
    if (found == NULL)
        report_warning(reader->report, value->place, "patterns are expanded when a policy is read",
                       "no program matches \"%s\" now", value->text);
    for (; found != NULL; found = found->next) {
        const char *path = environment->canonical(environment->ctx, reader->arena, found->text);
        push(reader, list, path == NULL ? found->text : path);
    }
}

static bool push_program(const struct reader *reader, const struct value *value,
                         struct path_list *list)
{
    const struct environment *environment = reader->environment;
    if (value->text[0] != '/') {
        report_error(reader->report, value->place, "write its whole path, like /usr/bin/curl",
                     "\"%s\" is not an absolute path", value->text);
        return false;
    }
    if (strpbrk(value->text, "*?[") != NULL) {
        push_pattern(reader, value, list);
        return true;
    }
    const char *path = environment->canonical(environment->ctx, reader->arena, value->text);
    if (path == NULL)
        report_warning(reader->report, value->place,
                       "the rule works once a program of this very path runs",
                       "there is no program \"%s\" now", value->text);
    push(reader, list, path == NULL ? value->text : path);
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(const struct path *const *)a)->text, (*(const struct path *const *)b)->text);
}

/* Sorted, each once. Returns how many are left. */
static size_t sort_paths(const struct reader *reader, struct path_list *list)
{
    size_t count = 0, distinct = 0;
    struct path **array = arena_alloc(reader->arena, (list->count + 1) * sizeof(struct path *));
    for (const struct path *path = list->first; path != NULL; path = path->next)
        array[count++] = (struct path *)path;
    qsort(array, count, sizeof(struct path *), compare_paths);
    list->first = NULL;
    for (size_t i = count; i-- > 0;) {
        if (list->first != NULL && strcmp(list->first->text, array[i]->text) == 0)
            continue;
        array[i]->next = list->first;
        list->first = array[i];
        distinct++;
    }
    return distinct;
}

bool meaning_apps(const struct reader *reader, struct meaning *meaning, const struct clause *clause)
{
    struct path_list list = {NULL, 0};
    bool good = true;
    for (const struct value *value = clause->values; value != NULL; value = value->next)
        good &= push_program(reader, value, &list);
    size_t count = sort_paths(reader, &list);
    if (clause->negated && count > 1) {
        report_error(reader->report, clause->place,
                     "write a rule for those programs above this one",
                     "\"app not\" takes one program, not %zu", count);
        return false;
    }
    meaning->apps = (struct names){clause->negated, list.first};
    if (good && count == 0 && !clause->negated)
        meaning->never = true;
    return good;
}

/* ---- users and groups ---- */

bool meaning_accounts(const struct reader *reader, struct meaning *meaning,
                      const struct clause *clause)
{
    struct accounts *accounts = &meaning->accounts;
    bool good = true;
    if (accounts->used) {
        report_error(reader->report, clause->place, "write two rules",
                     "a rule is about users or about groups, not both");
        return false;
    }
    accounts->used = true;
    accounts->negated = clause->negated;
    accounts->groups = clause->kind == CLAUSE_GROUP;
    accounts->ids =
        arena_alloc(reader->arena, count_values(clause->values) * sizeof(*accounts->ids));
    for (const struct value *value = clause->values; value != NULL; value = value->next) {
        uint32_t *id = &accounts->ids[accounts->count];
        bool read = accounts->groups ? read_group(reader, value, id) : read_user(reader, value, id);
        accounts->count += read;
        good &= read;
    }
    return good;
}
