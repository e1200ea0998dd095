#include "src/wfp/policy/words.h"

#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/parser.h"

#define LONGEST 32u /* longer words are near to nothing */

const struct word words_verbs[] = {{"permit", VERB_PERMIT},
                                   {"block", VERB_BLOCK},
                                   {"callout", VERB_CALLOUT},
                                   {"hold", VERB_HOLD},
                                   {NULL, 0}};

const struct word words_layers[] = {{"connect", RULE_CONNECT},         {"listen", RULE_LISTEN},
                                    {"accept", RULE_ACCEPT},           {"bind", RULE_BIND},
                                    {"established", RULE_ESTABLISHED}, {"closure", RULE_CLOSURE},
                                    {"release", RULE_RELEASE},         {NULL, 0}};

const struct word words_clauses[] = {{"tcp", CLAUSE_PROTOCOL},
                                     {"udp", CLAUSE_PROTOCOL},
                                     {"icmp", CLAUSE_PROTOCOL},
                                     {"icmp6", CLAUSE_PROTOCOL},
                                     {"any", CLAUSE_PROTOCOL},
                                     {"proto", CLAUSE_PROTOCOL},
                                     {"app", CLAUSE_APP},
                                     {"user", CLAUSE_USER},
                                     {"group", CLAUSE_GROUP},
                                     {"from", CLAUSE_FROM},
                                     {"to", CLAUSE_TO},
                                     {"on", CLAUSE_LOCAL_ADDRESS},
                                     {"local-address", CLAUSE_LOCAL_ADDRESS},
                                     {"remote-address", CLAUSE_REMOTE_ADDRESS},
                                     {"port", CLAUSE_PORT},
                                     {"local-port", CLAUSE_LOCAL_PORT},
                                     {"remote-port", CLAUSE_REMOTE_PORT},
                                     {"icmp-type", CLAUSE_ICMP_TYPE},
                                     {"icmp-code", CLAUSE_ICMP_CODE},
                                     {"interface", CLAUSE_INTERFACE},
                                     {"flags", CLAUSE_FLAGS},
                                     {"inbound", CLAUSE_DIRECTION},
                                     {"outbound", CLAUSE_DIRECTION},
                                     {"ipv4", CLAUSE_FAMILY},
                                     {"ipv6", CLAUSE_FAMILY},
                                     {"weight", CLAUSE_WEIGHT},
                                     {"name", CLAUSE_NAME},
                                     {"as", CLAUSE_AS},
                                     {"unregistered", CLAUSE_UNREGISTERED},
                                     {"timeout", CLAUSE_TIMEOUT},
                                     {"default", CLAUSE_DEFAULT},
                                     {NULL, 0}};

const struct word words_statements[] = {{"provider", STATEMENT_PROVIDER},
                                        {"sublayer", STATEMENT_SUBLAYER},
                                        {"include", STATEMENT_INCLUDE},
                                        {"boot", STATEMENT_RULE},
                                        {"hard", STATEMENT_RULE},
                                        {"soft", STATEMENT_RULE},
                                        {"permit", STATEMENT_RULE},
                                        {"block", STATEMENT_RULE},
                                        {"callout", STATEMENT_RULE},
                                        {"hold", STATEMENT_RULE},
                                        {NULL, 0}};

const struct word words_protocols[] = {{"tcp", 6},    {"udp", 17},      {"icmp", 1},
                                       {"icmp6", 58}, {"dccp", 33},     {"sctp", 132},
                                       {"gre", 47},   {"udplite", 136}, {NULL, 0}};

/* FWP_CONDITION_FLAG_* bits, as numbers: this table is also read where the API isn't. */
const struct word words_flags[] = {{"loopback", 0x1}, {"reauthorize", 0x4}, {"wildcard", 0x8},
                                   {"raw", 0x10},     {"implicit", 0x200},  {"promiscuous", 0x8000},
                                   {NULL, 0}};

/* What people write who come from other languages. */
static const struct {
    const char *foreign, *ours;
} synonyms[] = {{"allow", "permit"},   {"pass", "permit"},        {"deny", "block"},
                {"drop", "block"},     {"reject", "block"},       {"inspect", "callout"},
                {"out", "connect"},    {"output", "connect"},     {"in", "accept"},
                {"input", "accept"},   {"recv-accept", "accept"}, {"program", "app"},
                {"exe", "app"},        {"uid", "user"},           {"gid", "group"},
                {"source", "from"},    {"saddr", "from"},         {"src", "from"},
                {"destination", "to"}, {"daddr", "to"},           {"dst", "to"},
                {"protocol", "proto"}, {"dport", "port"},         {"ipv6-icmp", "icmp6"},
                {"icmpv6", "icmp6"},   {"iif", "interface"},      {"dev", "interface"},
                {"ports", "port"},     {"sport", "local-port"},   {"description", "name"},
                {"chain", "sublayer"}, {"table", "sublayer"},     {"ask", "hold"},
                {"lo", "loopback"},    {"comment", "name"},       {"import", "include"},
                {"close", "closure"}};

int word_find(const struct word *table, const char *text)
{
    for (const struct word *word = table; word->text != NULL; word++) {
        if (strcmp(word->text, text) == 0)
            return word->value;
    }
    return -1;
}

const char *word_text(const struct word *table, int value)
{
    for (const struct word *word = table; word->text != NULL; word++) {
        if (word->value == value)
            return word->text;
    }
    return NULL;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. Both words are at most LONGEST bytes. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[LONGEST + 1];
    unsigned width = (unsigned)strlen(b);
    for (unsigned j = 0; j <= width; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < width; j++) {
            unsigned changed = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(changed, smaller(row[j], diagonal) + 1);
        }
    }
    return row[width];
}

/* Keeps the known word whose spelling (its own or a foreign one's) is nearest so far. Who slips
   twice still gets the first letter right. */
static void try_spelling(const char *text, const char *spelling, const char *word, unsigned *least,
                         const char **nearest)
{
    unsigned d = strlen(spelling) > LONGEST ? *least : distance(text, spelling);
    if (d < *least && (d < 2 || text[0] == spelling[0])) {
        *least = d;
        *nearest = word;
    }
}

const char *word_nearest(const struct word *table, const char *text)
{
    size_t length = strlen(text);
    const char *nearest = NULL;
    unsigned least = length < 2 ? 1 : length < 4 ? 2 : 3; /* so many letters may not differ */
    if (length > LONGEST)
        return NULL;
    for (const struct word *word = table; word->text != NULL; word++)
        try_spelling(text, word->text, word->text, &least, &nearest);
    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        if (word_find(table, synonyms[i].ours) >= 0)
            try_spelling(text, synonyms[i].foreign, synonyms[i].ours, &least, &nearest);
    }
    return nearest;
}

const char *word_hint(struct arena *arena, const struct word *table, const char *text)
{
    const char *nearest = word_nearest(table, text);
    if (nearest == NULL || strcmp(nearest, text) == 0)
        return NULL;
    return arena_printf(arena, "did you mean \"%s\"?", nearest);
}

const char *word_list(struct arena *arena, const struct word *table)
{
    const char *list = table->text;
    for (const struct word *word = table + 1; word->text != NULL; word++)
        list =
            arena_printf(arena, "%s%s%s", list, word[1].text == NULL ? " or " : ", ", word->text);
    return list;
}
