<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

use Drupal\flowdrop_airflow\Contract\ProxyRule;
use PHPUnit\Framework\TestCase;

/**
 * What the proxy hands on, and what never leaves the site.
 */
final class ProxyRuleTest extends TestCase {

  /**
   * Returns method, path and permission.
   */
  public static function requests(): array {
    return [
      ['GET', '/pipeline/Zmxvd2Ryb3A', ProxyRule::VIEW],
      ['get', '/pipeline/Zmxvd2Ryb3A/status', ProxyRule::VIEW],
      ['GET', '/workflow/greeting/pipelines', ProxyRule::VIEW],
      ['GET', '/runs/Zmxv/trace', ProxyRule::VIEW],
      ['POST', '/workflows/greeting/execute', ProxyRule::RUN],
      ['POST', '/executions/Zmxv/cancel', ProxyRule::RUN],
      ['POST', '/interrupts/0193-ab', ProxyRule::ANSWER],
      ['POST', '/pipeline/Zmxv', NULL],
      ['DELETE', '/workflows/greeting', NULL],
      ['GET', '/workflows/greeting', NULL],
      ['GET', '/pipeline/../../api/v2/connections', NULL],
      ['GET', '/pipeline/a%2F..%2Fb', NULL],
      ['GET', "/pipeline/Zmxv\n", NULL],
      ['GET', '//pipeline/Zmxv', NULL],
      ['GET', '/metrics', NULL],
      ['GET', '', NULL],
    ];
  }

  /**
   * Knows a closed list.
   *
   * @dataProvider requests
   */
  public function testPermission(string $method, string $path, ?string $permission): void {
    self::assertSame($permission, ProxyRule::permission($method, $path));
  }

  /**
   * The rest of the path is taken as it is; other addresses are left alone.
   */
  public function testRest(): void {
    self::assertSame('/pipeline/Zmxv/status', ProxyRule::rest('/flowdrop-airflow/api/pipeline/Zmxv/status'));
    self::assertNull(ProxyRule::rest('/flowdrop-airflow/api'));
    self::assertNull(ProxyRule::rest('/flowdrop-airflow/apix/pipeline'));
    self::assertSame([], ProxyRule::query([ProxyRule::PARAMETER => '/x']));
  }

  /**
   * Hands known parameters on, and values that are one value.
   */
  public function testQuery(): void {
    $given = ['limit' => '5', 'token' => 'x', 'status' => ['a'], 'offset' => 2];
    self::assertSame(['limit' => '5', 'offset' => '2'], ProxyRule::query($given));
    self::assertNotContains('set-cookie', ProxyRule::answerHeaders());
  }

}
