#include "src/wfp/policy/lexer.h"

#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/report.h"

void lexer_start(struct lexer *lexer, struct arena *arena, struct report *report,
                 const struct source *source)
{
    *lexer = (struct lexer){arena, report, source, 0, 1};
}

static int peek(const struct lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->offset + ahead;
    return at < lexer->source->length ? (unsigned char)lexer->source->text[at] : -1;
}

static struct token token_make(const struct lexer *lexer, enum token_kind kind, uint32_t length)
{
    return (struct token){kind, {lexer->source, lexer->line, lexer->offset, length}, NULL};
}

/* A joined line: a backslash, then the line's end. Returns its length, 0 when it is none. */
static uint32_t joint_length(const struct lexer *lexer)
{
    if (peek(lexer, 0) != '\\')
        return 0;
    uint32_t return_length = peek(lexer, 1) == '\r' ? 1 : 0;
    return peek(lexer, 1 + return_length) == '\n' ? 2 + return_length : 0;
}

static void skip_blanks(struct lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0);
        uint32_t joint = joint_length(lexer);
        if (joint > 0) {
            lexer->offset += joint;
            lexer->line++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->offset++;
        } else if (c == '#') {
            while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
                lexer->offset++;
        } else {
            return;
        }
    }
}

static struct token take_mark(struct lexer *lexer, enum token_kind kind)
{
    struct token token = token_make(lexer, kind, kind == TOKEN_END ? 0 : 1);
    lexer->offset += token.place.length;
    lexer->line += kind == TOKEN_LINE_END;
    return token;
}

static struct token take_string(struct lexer *lexer)
{
    uint32_t length = 1;
    while (peek(lexer, length) >= 0 && peek(lexer, length) != '\n' && peek(lexer, length) != '"')
        length++;
    bool closed = peek(lexer, length) == '"';
    struct token token = token_make(lexer, TOKEN_STRING, length + closed);
    token.text = arena_strndup(lexer->arena, lexer->source->text + lexer->offset + 1, length - 1);
    lexer->offset += length + closed;
    if (!closed) {
        token.kind = TOKEN_BAD;
        token.place.length = 1;
        report_error(lexer->report, token.place, "close it with \" on the same line",
                     "text that is not closed");
    }
    return token;
}

static bool ends_word(const struct lexer *lexer, uint32_t ahead)
{
    int c = peek(lexer, ahead);
    return c < 0 || strchr(" \t\r\n{},=\"#", c) != NULL;
}

static struct token take_word(struct lexer *lexer)
{
    bool variable = peek(lexer, 0) == '$';
    uint32_t length = 1;
    while (!ends_word(lexer, length))
        length++;
    struct token token = token_make(lexer, variable ? TOKEN_VARIABLE : TOKEN_WORD, length);
    token.text = arena_strndup(lexer->arena, lexer->source->text + lexer->offset + variable,
                               length - variable);
    lexer->offset += length;
    if (variable && length == 1) {
        token.kind = TOKEN_BAD;
        report_error(lexer->report, token.place, "write $NAME", "a $ without a name");
    } else if (token.text[0] != '\0' && token.text[strlen(token.text) - 1] == ';') {
        token.kind = TOKEN_BAD;
        report_error(lexer->report, token.place, "leave the \";\" out; a # begins a comment",
                     "a rule ends with its line, not with \";\"");
    }
    return token;
}

struct token lexer_next(struct lexer *lexer)
{
    skip_blanks(lexer);
    switch (peek(lexer, 0)) {
    case -1:
        return take_mark(lexer, TOKEN_END);
    case '\n':
        return take_mark(lexer, TOKEN_LINE_END);
    case '{':
        return take_mark(lexer, TOKEN_OPEN);
    case '}':
        return take_mark(lexer, TOKEN_CLOSE);
    case ',':
        return take_mark(lexer, TOKEN_COMMA);
    case '=':
        return take_mark(lexer, TOKEN_EQUALS);
    case '"':
        return take_string(lexer);
    default:
        return take_word(lexer);
    }
}
