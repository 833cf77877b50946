/* Shared by the robustness tests: whole files in memory, models whose weights are coded, and one way to open bytes. */
#ifndef ROBUST_H
#define ROBUST_H
#include "io.h"
#include "passes.h"

/* A context with one thread; NULL after printing why. */
weir_context *robust_context(void);
/* The bytes of a file in a block of exactly its size, so that a sanitizer sees every read past the end. */
bool robust_load(const char *path, uint8_t **data, size_t *size);
bool robust_save(const char *path, const void *data, size_t size);
/* Reads bytes as a model and runs the passes that every model gets. *out is NULL unless WEIR_OK. */
weir_status robust_open(weir_context *ctx, const char *name, const uint8_t *data, size_t size, w_graph **out, weir_error *e);
/* Gives the constants of a graph codings, as the techniques would: how 0 pruned and shared, 1 quantised, 2 pruned f32. */
weir_status robust_code(w_graph *g, int how, weir_error *e);
/* Fails unless the status is one that input may cause. */
bool robust_allowed(weir_status s, const weir_error *e);
#endif
