#include "src/wfp/policy/hints.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/parser.h"
#include "src/wfp/policy/values.h"
#include "src/wfp/policy/words.h"

#define BRACES "several values are a list in braces: { A, B }"

static const char *word_of(const struct parser *parser)
{
    return parser->token.kind == TOKEN_WORD ? parser->token.text : "";
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(*words, text) != 0)
        words++;
    return *words != NULL;
}

const char *hint_statement(struct parser *parser)
{
    const char *word = word_of(parser);
    const char *near = word_hint(parser->arena, words_statements, word);
    if (near != NULL)
        return near;
    if (word_find(words_layers, word) >= 0 || word_find(words_clauses, word) >= 0)
        return "a rule is one line that begins with permit, block, hold or callout; a \\ at a "
               "line's end joins it with the next";
    return "a rule is like: permit accept tcp port 22 from 192.0.2.0/24";
}

const char *hint_layer(struct parser *parser)
{
    const char *word = word_of(parser);
    const char *near = word_hint(parser->arena, words_layers, word);
    if (near != NULL)
        return near;
    return arena_printf(parser->arena, "%sa layer is %s",
                        word_find(words_clauses, word) >= 0 ? "the layer comes first; " : "",
                        word_list(parser->arena, words_layers));
}

const char *hint_condition(struct parser *parser)
{
    const char *word = word_of(parser);
    const char *near = word_hint(parser->arena, words_clauses, word);
    size_t digits = strspn(word, "0123456789");
    if (near != NULL)
        return near;
    if (parser_at(parser, TOKEN_COMMA))
        return BRACES;
    if (digits > 0 && word[digits + strspn(word + digits, "-0123456789")] == '\0')
        return arena_printf(parser->arena, "did you mean port %s?", word);
    if (digits > 0)
        return "an address stands behind to, from or on";
    if (word[0] == '/' && word[1] != '/')
        return "a program stands behind app";
    if (word[0] == '/' || strncmp(word, "--", 2) == 0)
        return "a comment begins with #";
    return arena_printf(parser->arena, "a condition is %s",
                        word_list(parser->arena, words_clauses));
}

const char *hint_rest(struct parser *parser)
{
    if (parser_at(parser, TOKEN_COMMA))
        return BRACES;
    return parser_at(parser, TOKEN_WORD) ? "text with blanks stands in quotes" : NULL;
}

/* ---- values ---- */

static const char *const everything[] = {"any", "all", "anywhere", "*", NULL};

/* The address of ADDRESS:PORT or [ADDRESS]:PORT, else NULL. */
static const char *address_with_port(struct arena *arena, const char *text)
{
    struct in6_addr bytes;
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[';
    if (colon == NULL || colon - text < 2 || (bracket && colon[-1] != ']'))
        return NULL;
    const char *address =
        arena_strndup(arena, text + bracket, (size_t)(colon - text) - 2 * bracket);
    return inet_pton(bracket ? AF_INET6 : AF_INET, address, &bytes) == 1 ? address : NULL;
}

const char *hint_address(const struct reader *reader, const struct value *value)
{
    const char *text = value->text;
    const char *address = address_with_port(reader->arena, text);
    if (address != NULL)
        return arena_printf(reader->arena, "did you mean %s port %s?", address,
                            strrchr(text, ':') + 1);
    if (is_one_of(text, everything))
        return "leave the condition out: without it every address matches";
    if (strpbrk(text, "ghijklmnopqrstuvwxyz") != NULL)
        return "host names change their addresses: write the addresses";
    return "like 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or fd00::/8";
}

const char *hint_prefix(const struct reader *reader, const char *address, const char *length)
{
    struct in_addr mask;
    if (inet_pton(AF_INET, length, &mask) != 1)
        return NULL;
    uint32_t bits = ntohl(mask.s_addr), host = ~bits;
    if ((host & (host + 1)) != 0)
        return "a mask is the number of bits: /24";
    return arena_printf(reader->arena, "did you mean %s/%d?", address, __builtin_popcount(bits));
}

const char *hint_port(const struct reader *reader, const struct value *value)
{
    const char *text = value->text;
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits + strspn(text + digits, ":.");
    if (is_one_of(text, everything))
        return "leave the condition out: without it every port matches";
    if (digits > 0 && rest > text + digits && rest[0] != '\0' &&
        rest[strspn(rest, "0123456789")] == '\0')
        return arena_printf(reader->arena, "did you mean %.*s-%s?", (int)digits, text, rest);
    return "a port is a number, a range like 8000-8999 or a name from /etc/services";
}
