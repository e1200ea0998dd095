/*
 * The words of a policy. A word is anything between blanks and the marks { } , = and ", so paths,
 * addresses and ranges need no quotes. A line's end is a token: it ends a statement. A backslash
 * before it joins two lines.
 */
#ifndef OPENWFP_POLICY_LEXER_H
#define OPENWFP_POLICY_LEXER_H

#include "src/wfp/policy/source.h"

struct arena;
struct report;

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING,   /* "…": text is what stands between the quotes */
    TOKEN_VARIABLE, /* $name: text is the name */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_EQUALS,
    TOKEN_LINE_END,
    TOKEN_END,
    TOKEN_BAD, /* reported already */
};

struct token {
    enum token_kind kind;
    struct place place;
    const char *text;
};

struct lexer {
    struct arena *arena;
    struct report *report;
    const struct source *source;
    uint32_t offset, line;
};

void lexer_start(struct lexer *lexer, struct arena *arena, struct report *report,
                 const struct source *source);
struct token lexer_next(struct lexer *lexer);

#endif
