/* The strokes of pictures: text that fits, rectangles, lines, legends. */
#include "report_pic.h"
#include <string.h>

#define SIZE 12

/* Advance widths of ASCII from 32 on in hundredths of an em: those of a wide sans-serif (DejaVu Sans), as an upper bound. */
static const unsigned char advance[95] = {32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54,
                                          100, 69, 69, 70, 77, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50,
                                          50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84};

static bool starts(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

/* Beyond ASCII: wide scripts take a whole em, all others less. */
static double char_width(const char *s) {
    unsigned char c = (unsigned char)*s;
    if (!starts(*s)) return 0;
    if (c >= 0xe0) return 1;
    if (c >= 0x80) return 0.85;
    return c < 32 || c == 127 ? 1 : advance[c - 32] / 100.0;
}

double text_width(const char *s, bool bold) {
    double w = 0;
    for (; *s; s++) w += char_width(s);
    return w * SIZE * (bold ? 1.12 : 1);
}

void put_text(FILE *f, const char *s) {
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else if (*s == '"') fputs("&quot;", f);
        else if ((unsigned char)*s < 32 && *s != '\n' && *s != '\t') fputs("&#xfffd;", f);
        else fputc(*s, f);
    }
}

/* Writes s, or its two ends around an ellipsis where it is wider than room. */
static double fit(pic *c, const char *s, double room, bool bold) {
    double w = text_width(s, bold), scale = SIZE * (bold ? 1.12 : 1), left = 0, right = 0, half = (room - scale) / 2;
    if (w <= room) {
        put_text(c->f, s);
        return w;
    }
    size_t n = strlen(s), i = 0, k = n;
    char head[512];
    while (i < n && i < sizeof head - 5 && left + char_width(s + i) * scale <= half) left += char_width(s + i++) * scale;
    while (i < n && !starts(s[i])) i++;
    while (k > i && right + char_width(s + k - 1) * scale <= half) right += char_width(s + --k) * scale;
    while (k < n && !starts(s[k])) k++;
    snprintf(head, sizeof head, "%.*s", (int)i, s);
    put_text(c->f, head);
    fputs("…", c->f);
    put_text(c->f, s + k);
    return left + right + scale;
}

double pic_text(pic *c, const char *cls, double x, double y, anchor a, double room, const char *s) {
    static const char *const name[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    if (room < SIZE * 2 && text_width(s, false) > room) return 0;
    fprintf(c->f, "<text x=\"%.1f\" y=\"%.1f\"%s%s%s%s>", x, y, name[a], *cls ? " class=\"" : "", cls, *cls ? "\"" : "");
    double w = fit(c, s, room, strchr(cls, 'b') != NULL);
    fputs("</text>", c->f);
    return w;
}

void pic_rect(pic *c, const char *cls, double x, double y, double w, double h, double r) {
    fprintf(c->f, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", cls, x, y, w < 0 ? 0 : w, h < 0 ? 0 : h);
    if (r > 0) fprintf(c->f, " rx=\"%.1f\"", r);
    fputs("/>", c->f);
}

void pic_line(pic *c, const char *cls, double x0, double y0, double x1, double y1) {
    fprintf(c->f, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>", cls, x0, y0, x1, y1);
}

void pic_tip(pic *c, const char *open, const char *tip) {
    fprintf(c->f, "<g%s%s><title>", *open ? " " : "", open);
    put_text(c->f, tip);
    fputs("</title>", c->f);
}

void pic_end(pic *c) { fputs("</g>\n", c->f); }

double pic_legend(pic *c, double x, double y, double room, const char *const *cls, const char *const *name, size_t n) {
    double at = x;
    for (size_t i = 0; i < n; i++) {
        double w = 18 + text_width(name[i], false) + 16;
        if (at > x && at + w - 16 > x + room) at = x, y += 18;
        pic_rect(c, cls[i], at + 0.5, y + 1.5, 11, 11, 2);
        pic_text(c, "", at + 18, y + 11, LEFT, room - 18, name[i]);
        at += w;
    }
    return y + 24;
}
