#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/geo/grid.h"
#include "common/geo/period.h"
#include "common/geo/sun.h"
#include "common/geo/tile.h"
#include "common/geo/transform.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::geo {
namespace {

using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;

// Published corners of real tiles (metadata of ESA products): name, EPSG, ULX, ULY.
struct RealTile {
  const char* name;
  int epsg;
  double west, north;
};
constexpr RealTile kRealTiles[] = {{"33TVL", 32633, 399960, 5100000}, {"31TDH", 32631, 399960, 4800000},
                                   {"36MXE", 32736, 600000, 10000000}, {"56JKT", 32756, 199980, 7300000},
                                   {"22HBD", 32722, 199980, 5900020}, {"01LAC", 32701, 99960, 8300020}};

TEST(Tile, CornersEqualThoseOfRealProducts) {
  for (const RealTile& real : kRealTiles) {
    ASSERT_OK_AND_ASSIGN(const TileId tile, TileId::Parse(real.name));
    const Grid grid = tile.GridAt(10);
    EXPECT_EQ(grid.epsg, real.epsg) << real.name;
    EXPECT_EQ(grid.west, real.west) << real.name;
    EXPECT_EQ(grid.north, real.north) << real.name;
    EXPECT_EQ(grid.width, 10980);
    EXPECT_EQ(tile.GridAt(60).width, 1830);
  }
}

TEST(Tile, CornersEqualTheSharedTable) {
  ARPENT_REQUIRE_SHARED_DATA("mgrs_grid");
  std::ifstream file(SharedData("mgrs_grid") + "/sample_tiles.csv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> header = absl::StrSplit(line, ',');
  const auto column = [&header](const std::string& name) {
    return std::find(header.begin(), header.end(), name) - header.begin();
  };
  int checked = 0;
  for (; std::getline(file, line); ++checked) {
    const std::vector<std::string> row = absl::StrSplit(line, ',');
    ASSERT_OK_AND_ASSIGN(const TileId tile, TileId::Parse(row[column("tile")]));
    const Grid grid = tile.GridAt(10);
    EXPECT_EQ(grid.epsg, std::stoi(row[column("epsg")])) << line;
    EXPECT_EQ(grid.west, std::stod(row[column("ulx")])) << line;
    EXPECT_EQ(grid.north, std::stod(row[column("uly")])) << line;
  }
  EXPECT_GT(checked, 3);
}

TEST(Tile, RejectsWhatIsNoSquare) {
  for (const char* name : {"", "33T", "61TVL", "33IVL", "33TIL", "33TVW", "T33TVLX"}) {
    EXPECT_THAT(TileId::Parse(name), StatusIs(absl::StatusCode::kInvalidArgument, "tile")) << name;
  }
}

TEST(Tile, OwnerOfKnownPlaces) {
  // MGRS references of well-known places.
  EXPECT_EQ(OwnerOf(2.2945, 48.8584)->name(), "31UDQ");     // Eiffel tower, 31U DQ 48251 11932
  EXPECT_EQ(OwnerOf(-77.0353, 38.8895)->name(), "18SUJ");   // Washington monument, 18S UJ 23485 06483
  EXPECT_EQ(OwnerOf(151.2153, -33.8568)->name(), "56HLH");  // Sydney opera house, 56H LH 34900 52289
  EXPECT_EQ(OwnerOf(5.32, 60.39)->name().substr(0, 3), "32V");  // Bergen lies in widened zone 32
  EXPECT_THAT(OwnerOf(0, 89), StatusIs(absl::StatusCode::kInvalidArgument, "89"));
}

TEST(Tile, EveryPointHasOneOwnerAndOwnershipAgrees) {
  // Around the border of zones 32 and 33 (12 degrees east) and of rows.
  int owned_twice = 0, orphan = 0;
  for (double latitude = 46.02; latitude < 47.9; latitude += 0.31) {
    for (double longitude = 11.3; longitude < 12.7; longitude += 0.19) {
      ASSERT_OK_AND_ASSIGN(const std::vector<TileId> around,
                           TilesTouching(longitude - 0.1, latitude - 0.1, longitude + 0.1, latitude + 0.1));
      int owners = 0;
      for (const TileId& tile : around) {
        ASSERT_OK_AND_ASSIGN(const Transform to_utm, Transform::Create(4326, tile.epsg()));
        ASSERT_OK_AND_ASSIGN(const Ownership ownership, Ownership::Of(tile));
        double x = longitude, y = latitude;
        to_utm.Forward(x, y);
        if (!ownership.Owns(x, y)) continue;
        ++owners;
        EXPECT_EQ(tile.name(), OwnerOf(longitude, latitude)->name());
      }
      orphan += owners == 0;
      owned_twice += owners > 1;
    }
  }
  EXPECT_EQ(orphan, 0);
  EXPECT_EQ(owned_twice, 0);
}

TEST(Ownership, ColumnsAgreeWithPoints) {
  ASSERT_OK_AND_ASSIGN(const TileId tile, TileId::Parse("33TUM"));  // cut by the zone's west edge
  ASSERT_OK_AND_ASSIGN(const Ownership ownership, Ownership::Of(tile));
  const Grid grid = tile.GridAt(60);
  for (int y = 0; y < grid.height; y += 97) {
    const Ownership::Columns columns = ownership.OwnedColumns(grid, y);
    for (int x = 0; x < grid.width; ++x) {
      EXPECT_EQ(x >= columns.first && x < columns.last, ownership.Owns(grid.CentreX(x), grid.CentreY(y)));
    }
  }
}

TEST(Transform, EqualsAPublishedPoint) {  // EPSG guidance note 7-2 style check: central meridian of zone 33
  ASSERT_OK_AND_ASSIGN(const Transform transform, Transform::Create(4326, 32633));
  double x = 15, y = 0;
  transform.Forward(x, y);
  EXPECT_NEAR(x, 500000, 1e-6);
  EXPECT_NEAR(y, 0, 1e-6);
  EXPECT_THAT(Transform::Create(4326, 1), StatusIs(absl::StatusCode::kInvalidArgument, "EPSG:1"));
}

TEST(Period, NamesReadBack) {
  for (const char* name : {"2021-06", "2020-02-D3", "20210601_20210630"}) {
    ASSERT_OK_AND_ASSIGN(const Period period, Period::Parse(name));
    EXPECT_EQ(period.name, name);
  }
  EXPECT_EQ(Period::Parse("2020-02-D3")->last, absl::CivilDay(2020, 2, 29));
  for (const char* name : {"2021", "2021-13", "2021-06-D4", "20210631_20210701", "20210602_20210601"}) {
    EXPECT_THAT(Period::Parse(name), StatusIs(absl::StatusCode::kInvalidArgument, name));
  }
}

TEST(Period, SeasonOverNewYear) {
  ASSERT_OK_AND_ASSIGN(const auto months, PeriodsOf("month", absl::CivilDay(2021, 11, 15), absl::CivilDay(2022, 1, 3)));
  ASSERT_EQ(months.size(), 3);
  EXPECT_EQ(months[1].name, "2021-12");
  EXPECT_EQ(months[1].MiddleDay(), DayNumber(absl::CivilDay(2021, 12, 16)));
  ASSERT_OK_AND_ASSIGN(const auto dekads, PeriodsOf("dekad", absl::CivilDay(2021, 11, 15), absl::CivilDay(2021, 12, 1)));
  EXPECT_EQ(dekads.front().name, "2021-11-D2");
  EXPECT_EQ(dekads.back().name, "2021-12-D1");
  ASSERT_OK_AND_ASSIGN(const auto days, PeriodsOf("20d", absl::CivilDay(2021, 1, 1), absl::CivilDay(2021, 1, 25)));
  EXPECT_EQ(days.back().name, "20210121_20210125");
  EXPECT_THAT(PeriodsOf("week", absl::CivilDay(2021, 1, 1), absl::CivilDay(2021, 1, 25)),
              StatusIs(absl::StatusCode::kInvalidArgument, "week"));
}

TEST(Grid, UnionAndLattice) {
  const Grid a{32633, 0, 600, 10, 6, 6}, b{32633, 120, 540, 10, 6, 12};
  const Grid both = UnionOf(a, b);
  EXPECT_EQ(both.extent(), (Extent{0, 420, 180, 600}));
  EXPECT_TRUE(a.SameLattice(a.WithPixel(60)));
  EXPECT_FALSE(a.SameLattice({32633, 5, 600, 10, 6, 6}));
  EXPECT_EQ(Intersection({0, 0, 5, 5}, {3, 4, 9, 9}), (Window{3, 4, 2, 1}));
}

TEST(Sun, StandsWhereAlmanacsPutIt) {
  // NREL's solar position algorithm report (2003), appendix: 2003-10-17 12:30:30 -7 h, 39.742476 N 105.1786 W.
  const SunAngle sun = SunAt(absl::FromCivil(absl::CivilSecond(2003, 10, 17, 19, 30, 30), absl::UTCTimeZone()), -105.1786, 39.742476);
  EXPECT_NEAR(sun.zenith_deg, 50.11162, 0.03);
  EXPECT_NEAR(sun.azimuth_deg, 194.34024, 0.05);
}

}  // namespace
}  // namespace arpent::geo
