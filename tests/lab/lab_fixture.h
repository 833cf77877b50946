/* What the lab's tests share: a trained network with real images and their calibration, and graphs from text.
 *
 * open_network and close_network are a group's setup and teardown; model_path and calibration_samples are set before it. */
#ifndef LAB_FIXTURE_H
#define LAB_FIXTURE_H
#include "harness.h"
#include "search.h"

extern weir_context *ctx;
extern weir_model *model;          /* the network at model_path */
extern weir_dataset *data;         /* Fashion-MNIST's test images */
extern w_calibration *cal;         /* of the first calibration_samples */
extern const char *model_path;
extern size_t calibration_samples;

int open_network(void **state);
int close_network(void **state);   /* fails when something was not given back */
int open_context(void **state);    /* the context alone */
int close_context(void **state);

/* The network and m on n samples that calibration has not seen, compared. */
w_paired compare_with_network(const weir_model *m, size_t n);

w_id node_labelled(const w_graph *g, const char *label);  /* fails the test where there is none */
w_graph *canonical_graph(const char *text);               /* in ctx */
#endif
