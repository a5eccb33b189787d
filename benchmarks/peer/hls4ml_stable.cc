// hls4ml's "stable" softmax from its installed headers, on rows of ELEMENTS floats, whose sum has
// GROWTH bits before its point; both are given by -D.
// Types as close to the asked datapath as its structure allows.
#include "ap_fixed.h"
#include "nnet_utils/nnet_activation.h"

typedef ap_fixed<8, 5, AP_RND_CONV, AP_SAT> input_t;
typedef ap_ufixed<8, 0, AP_RND, AP_SAT> output_t;

struct config : nnet::activ_config {
    static const unsigned n_in = ELEMENTS;
    static const unsigned n_slice = ELEMENTS;
    static const unsigned n_outer = 1;
    static const unsigned n_inner = 1;
    static const unsigned parallelization_factor = 1;
    static const unsigned exp_table_size = 256;
    static const unsigned inv_table_size = 1024;
    static constexpr float exp_scale = 1.0;
    static const nnet::softmax_implementation implementation = nnet::softmax_implementation::stable;
    typedef ap_ufixed<8, 5> inp_norm_t;
    typedef ap_ufixed<16, 1, AP_RND_CONV, AP_SAT> exp_table_t;
    typedef ap_ufixed<15 + GROWTH, GROWTH> accum_t;
    typedef ap_ufixed<15 + GROWTH, GROWTH> inv_inp_t;
    typedef ap_ufixed<16, 1, AP_RND_CONV, AP_SAT> inv_table_t;
};

extern "C" void run(const float *x, unsigned char *codes, long rows) {
    static input_t in[ELEMENTS];
    static output_t out[ELEMENTS];
    for (long row = 0; row < rows; row++, x += ELEMENTS, codes += ELEMENTS) {
        for (int i = 0; i < ELEMENTS; i++) in[i] = x[i];
        nnet::softmax<input_t, output_t, config>(in, out);
        for (int i = 0; i < ELEMENTS; i++) codes[i] = out[i].range().to_uint();
    }
}
