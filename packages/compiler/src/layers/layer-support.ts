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
  'BatchNormalization',
  'Bidirectional',
  'Concatenate',
  'Conv1D',
  'Conv2D',
  'Conv2DTranspose',
  'Cropping2D',
  'Dense',
  'DepthwiseConv2D',
  'Dropout',
  'ELU',
  'Embedding',
  'Flatten',
  'GRU',
  'GaussianDropout',
  'GaussianNoise',
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
  'SpatialDropout1D',
  'TimeDistributed',
  'UpSampling2D',
  'ZeroPadding2D',
] as const;

const NO_SIZES = 'it gives images of random sizes, and the shapes of a program are fixed; use augment of the task';

/** Layer class -> why it is refused and what to do. */
export const REFUSED_LAYERS: Readonly<Record<string, string>> = {
  BatchNormalization:
    'its result depends on which samples share a micro-batch, and it changes weights on the way; use tf.layers.layerNormalization, or freeze it with trainable: false (docs/adr/0017)',
  AlphaDropout: 'it draws random numbers; use tf.layers.dropout',
  RandomHeight: NO_SIZES,
  RandomWidth: NO_SIZES,
};
