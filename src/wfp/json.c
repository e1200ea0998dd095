#include "src/wfp/json.h"

#include <string.h>

#include "src/wfp/utf8.h"

static void write_character(FILE *out, const char *text, size_t length)
{
    unsigned char c = (unsigned char)*text;
    if (length == 0)
        fputs("\\ufffd", out);
    else if (c == '"' || c == '\\')
        fprintf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
        fprintf(out, "\\u%04x", c);
    else
        fwrite(text, 1, length, out);
}

static void write_text(FILE *out, const char *text)
{
    size_t left = strlen(text);
    fputc('"', out);
    while (left > 0) {
        size_t length = utf8_length(text, left);
        size_t step = length == 0 ? 1 : length;
        write_character(out, text, length);
        text += step;
        left -= step;
    }
    fputc('"', out);
}

static void begin(struct json *json, const char *key)
{
    if (json->follow)
        fputs(", ", json->out);
    if (key != NULL)
        fprintf(json->out, "\"%s\": ", key);
    json->follow = true;
}

static void open_group(struct json *json, const char *key, char mark)
{
    begin(json, key);
    fputc(mark, json->out);
    json->follow = false;
}

static void close_group(struct json *json, char mark)
{
    fputc(mark, json->out);
    json->follow = true;
}

void json_object(struct json *json, const char *key)
{
    open_group(json, key, '{');
}

void json_object_end(struct json *json)
{
    close_group(json, '}');
}

void json_array(struct json *json, const char *key)
{
    open_group(json, key, '[');
}

void json_array_end(struct json *json)
{
    close_group(json, ']');
}

void json_text(struct json *json, const char *key, const char *value)
{
    begin(json, key);
    if (value == NULL)
        fputs("null", json->out);
    else
        write_text(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_end(struct json *json)
{
    fputc('\n', json->out);
    fflush(json->out);
    json->follow = false;
}
