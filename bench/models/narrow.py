"""The perceptron with weights of few bits and f32 activations: 4 bits in blocks of 32 as ONNX Runtime's MatMulNBits, and 8 bits
with a scale for each column."""
import numpy as np

from .net import Net

SIZE, LAYERS, BLOCK = 4096, 6, 32


def perceptron(name, product):
    net = Net(name)
    x = net.input("x", (1, SIZE))
    for layer in range(LAYERS):
        x = product(net, x)
        if layer < LAYERS - 1:
            x = net.op("Relu", [x], x.shape)
    net.output(x)
    return net.model()


def four_bits(net, x):
    blocks = SIZE // BLOCK
    codes = net.constant(net.random.integers(0, 256, (SIZE, blocks, BLOCK // 2), np.uint8), "codes")
    spread = np.sqrt((16 ** 2 - 1) / 12)  # of codes that are all as likely
    scales = net.constant(np.full(SIZE * blocks, np.sqrt(2 / SIZE) / spread, np.float32), "scales")
    return net.op("MatMulNBits", [x, codes, scales], x.shape, domain="com.microsoft", K=SIZE, N=SIZE, bits=4, block_size=BLOCK)


def eight_bits(net, x):
    codes = net.constant(net.random.integers(-127, 128, (SIZE, SIZE), np.int8), "codes")
    scales = net.constant(np.full(SIZE, np.sqrt(2 / SIZE) / np.sqrt((255 ** 2 - 1) / 12), np.float32), "scales")
    weights = net.op("DequantizeLinear", [codes, scales], (SIZE, SIZE), axis=1)
    return net.op("MatMul", [x, weights], x.shape)


MODELS = {"perceptron_q4": lambda: perceptron("perceptron_q4", four_bits), "perceptron_w8": lambda: perceptron("perceptron_w8", eight_bits)}
