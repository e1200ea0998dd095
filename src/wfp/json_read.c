#include "src/wfp/json_read.h"

#include <string.h>

#include "src/wfp/arena.h"

struct reading {
    struct arena *arena;
    const char *at;
};

static void skip_blanks(struct reading *reading)
{
    reading->at += strspn(reading->at, " \t\r\n");
}

static bool take(struct reading *reading, char wanted)
{
    skip_blanks(reading);
    if (*reading->at != wanted)
        return false;
    reading->at++;
    return true;
}

static bool take_word(struct reading *reading, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(reading->at, word, length) != 0)
        return false;
    reading->at += length;
    return true;
}

static bool hex4(const char *text, uint32_t *number)
{
    *number = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        if (digit == NULL)
            return false;
        *number = *number << 4 | (uint32_t)((digit - digits) & 15);
    }
    return true;
}

static char *put_utf8(char *into, uint32_t c)
{
    if (c < 0x80) {
        *into++ = (char)c;
        return into;
    }
    if (c < 0x800) {
        *into++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *into++ = (char)(0xe0 | c >> 12);
        *into++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *into++ = (char)(0xf0 | c >> 18);
        *into++ = (char)(0x80 | (c >> 12 & 0x3f));
        *into++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *into++ = (char)(0x80 | (c & 0x3f));
    return into;
}

/* Behind "\u". NUL, and half of a pair, are no text. */
static bool take_unicode(struct reading *reading, char **into)
{
    uint32_t c, low;
    if (!hex4(reading->at, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    reading->at += 4;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take_word(reading, "\\u") || !hex4(reading->at, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        reading->at += 4;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *into = put_utf8(*into, c);
    return true;
}

static bool take_escape(struct reading *reading, char **into)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *reading->at;
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (found == NULL && letter != 'u')
        return false;
    reading->at++;
    if (letter == 'u')
        return take_unicode(reading, into);
    *(*into)++ = meanings[found - letters];
    return true;
}

static const char *take_text(struct reading *reading)
{
    if (!take(reading, '"'))
        return NULL;
    char *text = arena_alloc(reading->arena, strlen(reading->at) + 1), *into = text;
    while (*reading->at != '"') {
        if ((unsigned char)*reading->at < ' ')
            return NULL;
        if (*reading->at != '\\') {
            *into++ = *reading->at++;
            continue;
        }
        reading->at++;
        if (!take_escape(reading, &into))
            return NULL;
    }
    reading->at++;
    return text;
}

static bool take_number(struct reading *reading, uint64_t *number)
{
    size_t digits = strspn(reading->at, "0123456789");
    *number = 0;
    if (digits == 0 || (digits > 1 && *reading->at == '0'))
        return false;
    for (; digits > 0; digits--) {
        if (__builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*reading->at++ - '0'), number))
            return false;
    }
    return true;
}

static bool take_value(struct reading *reading, struct json_member *member)
{
    skip_blanks(reading);
    if (*reading->at == '"') {
        member->kind = JSON_TEXT;
        member->text = take_text(reading);
        return member->text != NULL;
    }
    member->kind = JSON_BOOL;
    member->number = 1;
    if (take_word(reading, "true"))
        return true;
    member->number = 0;
    if (take_word(reading, "false"))
        return true;
    member->kind = JSON_NUMBER;
    return take_number(reading, &member->number);
}

static bool take_members(struct reading *reading, const struct json_member **members)
{
    do {
        struct json_member *member = arena_alloc(reading->arena, sizeof(*member));
        member->key = take_text(reading);
        if (member->key == NULL || !take(reading, ':') || !take_value(reading, member))
            return false;
        member->next = *members;
        *members = member;
    } while (take(reading, ','));
    return take(reading, '}');
}

bool json_read(struct arena *arena, const char *text, const struct json_member **members)
{
    struct reading reading = {arena, text};
    *members = NULL;
    if (!take(&reading, '{'))
        return false;
    if (!take(&reading, '}') && !take_members(&reading, members))
        return false;
    skip_blanks(&reading);
    return *reading.at == '\0';
}

const struct json_member *json_member(const struct json_member *members, const char *key,
                                      enum json_kind kind)
{
    while (members != NULL && (members->kind != kind || strcmp(members->key, key) != 0))
        members = members->next;
    return members;
}
