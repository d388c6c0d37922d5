#include "common/simulate/landscape.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace arpent::simulate {
namespace {

// Codes and names follow the JECAM nomenclature used by Sen2Agri.
constexpr std::array<CoverInfo, kCoverCount> kCovers = {{{Cover::kWheat, "Winter wheat", 111, true, 0.26},
                                                         {Cover::kRapeseed, "Rapeseed", 435, true, 0.12},
                                                         {Cover::kMaize, "Maize", 12, true, 0.24},
                                                         {Cover::kSunflower, "Sunflower", 438, true, 0.11},
                                                         {Cover::kSugarBeet, "Sugar beet", 81, true, 0.08},
                                                         {Cover::kSoybean, "Soybeans", 41, true, 0.07},
                                                         {Cover::kMeadow, "Meadow", 0, false, 0.12},
                                                         {Cover::kForest, "Forest", 0, false, 0},
                                                         {Cover::kWater, "Water", 0, false, 0},
                                                         {Cover::kVillage, "Village", 0, false, 0},
                                                         {Cover::kRoad, "Road", 0, false, 0}}};

// What each trait and noise field is drawn from; added to the seed.
enum Purpose : uint64_t { kJitterX = 11, kJitterY = 12, kCoverDraw = 13, kWoods = 20, kWaters = 30, kVillages = 40, kHills = 50, kTraits = 100 };

constexpr double kJitter = 0.36;       // of the spacing; less than half, so that cells stay near their lattice point
constexpr double kRoadHalfWidth_m = 7;
constexpr int kTracksTrait = 9;
constexpr double kTracksShare = 0.5;   // of the cells have tracks along their borders

struct Point {
  double x, y;
};

}  // namespace

const CoverInfo& InfoOf(Cover cover) { return kCovers[static_cast<int>(cover)]; }

void Landscape::CentreOf(int64_t cx, int64_t cy, double& x, double& y) const {
  x = (cx + 0.5 + kJitter * (2 * Uniform(seed_ + kJitterX, cx, cy) - 1)) * spacing_m_;
  y = (cy + 0.5 + kJitter * (2 * Uniform(seed_ + kJitterY, cx, cy) - 1)) * spacing_m_;
}

double Landscape::Trait(int64_t cx, int64_t cy, int what) const { return Uniform(seed_ + kTraits + what, cx, cy); }

Cover Landscape::CoverOf(int64_t cx, int64_t cy) const {
  double x = 0, y = 0;
  CentreOf(cx, cy, x, y);
  // Woods, lakes and villages gather; the draws of a cell make their outskirts patchy.
  if (FractalNoise(seed_ + kWaters).At(x / 2500, y / 2500) > 0.735) return Cover::kWater;
  if (FractalNoise(seed_ + kWoods).At(x / 1800, y / 1800) > 0.60) return Cover::kForest;
  if (FractalNoise(seed_ + kVillages).At(x / 1400, y / 1400) > 0.69) return Cover::kVillage;
  double draw = Uniform(seed_ + kCoverDraw, cx, cy);
  for (const CoverInfo& info : kCovers) {
    if (draw < info.share) return info.cover;
    draw -= info.share;
  }
  return Cover::kMeadow;
}

std::vector<double> Landscape::CellOutline(int64_t cx, int64_t cy, double inset_m) const {
  Point centre{};
  CentreOf(cx, cy, centre.x, centre.y);
  // A big square, cut by the bisector with every neighbour, each moved inwards.
  const double far = 3 * spacing_m_;
  std::vector<Point> polygon = {{centre.x - far, centre.y - far},
                                {centre.x + far, centre.y - far},
                                {centre.x + far, centre.y + far},
                                {centre.x - far, centre.y + far}};
  for (int64_t ny = cy - 2; ny <= cy + 2; ++ny) {
    for (int64_t nx = cx - 2; nx <= cx + 2; ++nx) {
      if (nx == cx && ny == cy) continue;
      Point other{};
      CentreOf(nx, ny, other.x, other.y);
      const double dx = other.x - centre.x, dy = other.y - centre.y, length = std::sqrt(dx * dx + dy * dy);
      const double limit = length / 2 - inset_m;  // along the normal, from the centre
      const auto signed_distance = [&](const Point& p) {
        return ((p.x - centre.x) * dx + (p.y - centre.y) * dy) / length - limit;
      };
      std::vector<Point> kept;
      for (size_t i = 0; i < polygon.size(); ++i) {
        const Point& a = polygon[i];
        const Point& b = polygon[(i + 1) % polygon.size()];
        const double da = signed_distance(a), db = signed_distance(b);
        if (da <= 0) kept.push_back(a);
        if ((da < 0) != (db < 0) && da != db) {
          const double t = da / (da - db);
          kept.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
        }
      }
      polygon = std::move(kept);
      if (polygon.size() < 3) return {};
    }
  }
  std::vector<double> outline;
  for (const Point& point : polygon) {
    outline.push_back(point.x);
    outline.push_back(point.y);
  }
  return outline;
}

LandscapeWalk::LandscapeWalk(const Landscape& landscape) : landscape_(landscape), hills_(landscape.seed() + kHills) {}

void LandscapeWalk::Enter(int64_t home_x, int64_t home_y) {
  for (int row = 0; row < kAround; ++row) {
    for (int column = 0; column < kAround; ++column) {
      Neighbour& neighbour = around_[row * kAround + column];
      neighbour = {};
      landscape_.CentreOf(home_x - kReach + column, home_y - kReach + row, neighbour.x, neighbour.y);
    }
  }
  home_x_ = home_x, home_y_ = home_y, entered_ = true;
}

Spot LandscapeWalk::At(double x, double y) {
  const int64_t home_x = static_cast<int64_t>(std::floor(x / landscape_.spacing_m()));
  const int64_t home_y = static_cast<int64_t>(std::floor(y / landscape_.spacing_m()));
  if (!entered_ || home_x != home_x_ || home_y != home_y_) Enter(home_x, home_y);
  double best = 1e30, second = 1e30;
  int nearest = 0;
  for (int i = 0; i < kAround * kAround; ++i) {
    const double dx = around_[i].x - x, dy = around_[i].y - y, distance = dx * dx + dy * dy;
    if (distance < best) {
      second = best;
      best = distance;
      nearest = i;
    } else if (distance < second) {
      second = distance;
    }
  }
  Spot spot;
  spot.cell_x = home_x - kReach + nearest % kAround;
  spot.cell_y = home_y - kReach + nearest / kAround;
  spot.edge_m = (std::sqrt(second) - std::sqrt(best)) / 2;
  Neighbour& cell = around_[nearest];
  if (!cell.known) {
    cell.cover = landscape_.CoverOf(spot.cell_x, spot.cell_y);
    cell.tracks = cell.cover != Cover::kWater && cell.cover != Cover::kForest &&
                  landscape_.Trait(spot.cell_x, spot.cell_y, kTracksTrait) < kTracksShare;
    cell.known = true;
  }
  spot.cover = cell.tracks && spot.edge_m < kRoadHalfWidth_m ? Cover::kRoad : cell.cover;
  return spot;
}

double LandscapeWalk::ElevationAt(double x, double y, double relief) { return 150 + relief * hills_.At(x / 3000, y / 3000); }

}  // namespace arpent::simulate
