// From which probability on a pixel is of a class that is known whole, while the other is everything else.
//
// Parcels show every crop, but never all that is no crop: a track between fields is in no parcel, and what a forest was never
// shown gets some votes of either side. Held-out polygons of crop get nearly all votes. The majority may then be raised as long
// as those do not suffer; two thirds of the way are taken.
#ifndef ARPENT_COMMON_LEARN_DECISION_THRESHOLD_H_
#define ARPENT_COMMON_LEARN_DECISION_THRESHOLD_H_

#include <cstdint>
#include <span>

namespace arpent::learn {

// Of samples with classes 0 and 1, weights (empty: all 1) and the probability of class 1 by a model that did not see their
// polygons: two thirds of the way from 0.5 to the highest threshold (a multiple of 1/128 up to 1) whose weighted accuracy is at
// most `most_loss` below that of 0.5. Hence 0.5 when every higher threshold costs more, and never below; 0.5 too when no sample of
// class 1 reaches it.
double ThresholdAboveHalf(std::span<const uint16_t> classes, std::span<const float> weights,
                          std::span<const float> probabilities, double most_loss);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_DECISION_THRESHOLD_H_
