/**
 * Which layers of tf.layers can be captured, and what to use instead of those that cannot. A layer that is in neither list
 * (a layer of your own, say) is tried: if it calls a kernel that cannot be captured, the error names both.
 */

/** Layer classes that the conformance suite captures, forward and backward. */
export const CAPTURED_LAYERS = [
  'Activation',
  'Add',
  'Average',
  'AveragePooling1D',
  'AveragePooling2D',
  'Bidirectional',
  'Concatenate',
  'Conv1D',
  'Conv2D',
  'Conv2DTranspose',
  'Cropping2D',
  'Dense',
  'DepthwiseConv2D',
  'ELU',
  'Embedding',
  'Flatten',
  'GRU',
  'GlobalAveragePooling1D',
  'GlobalAveragePooling2D',
  'GlobalMaxPooling1D',
  'GlobalMaxPooling2D',
  'LSTM',
  'LayerNormalization',
  'LeakyReLU',
  'MaxPooling1D',
  'MaxPooling2D',
  'Maximum',
  'Minimum',
  'Multiply',
  'PReLU',
  'Permute',
  'ReLU',
  'RepeatVector',
  'Reshape',
  'SeparableConv2D',
  'SimpleRNN',
  'Softmax',
  'TimeDistributed',
  'UpSampling2D',
  'ZeroPadding2D',
] as const;

const NO_NOISE =
  'it draws random numbers, and a program computes the same for the same inputs; remove it and augment the data';

/** Layer class -> why it is refused and what to do. */
export const REFUSED_LAYERS: Readonly<Record<string, string>> = {
  BatchNormalization:
    'its result depends on which samples share a micro-batch, and it changes weights on the way; use tf.layers.layerNormalization',
  Dropout: NO_NOISE,
  SpatialDropout1D: NO_NOISE,
  AlphaDropout: NO_NOISE,
  GaussianDropout: NO_NOISE,
  GaussianNoise: NO_NOISE,
  RandomHeight: NO_NOISE,
  RandomWidth: NO_NOISE,
};
