<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

use Drupal\flowdrop_airflow\Contract\ContractException;
use Drupal\flowdrop_airflow\Contract\RunEvent;
use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/VectorsTrait.php';

/**
 * Callbacks about runs, against the shared vectors.
 */
final class RunEventTest extends TestCase {

  use VectorsTrait;

  /**
   * Returns good callbacks.
   */
  public static function accepted(): array {
    return self::named('events', 'accepted');
  }

  /**
   * Returns callbacks that break the contract.
   */
  public static function refused(): array {
    return self::named('events', 'refused');
  }

  /**
   * Reads what the other side sends.
   *
   * @dataProvider accepted
   */
  public function testAccepted(array $vector): void {
    $found = RunEvent::fromJson(json_encode($vector['event'], JSON_THROW_ON_ERROR));
    self::assertSame($vector['pipeline_status'], $found->pipelineStatus());
    self::assertSame($vector['final'], $found->isFinal());
    self::assertSame((string) $vector['event']['drupal_pipeline_id'], $found->drupalPipelineId);
    self::assertTrue($found->isNews($found->sequence - 1));
    self::assertFalse($found->isNews($found->sequence));
  }

  /**
   * Refuses what is no callback.
   *
   * @dataProvider refused
   */
  public function testRefused(array $vector): void {
    $this->expectException(ContractException::class);
    RunEvent::fromJson(json_encode($vector['event'], JSON_THROW_ON_ERROR));
  }

  /**
   * Every status has its word in flowdrop_job.
   */
  public function testJobStatuses(): void {
    foreach (self::vectors('events')['job_statuses'] as $status => $stored) {
      self::assertSame($stored, RunEvent::storedJobStatus($status));
    }
    self::assertSame(array_keys(self::vectors('events')['job_statuses']), self::sorted());
  }

  /**
   * Moments are ISO 8601; anything else is none.
   */
  public function testSeconds(): void {
    self::assertSame(1795399200, RunEvent::seconds('2026-11-23T02:00:00+00:00'));
    self::assertSame(1795399200, RunEvent::seconds('2026-11-23T03:00:00.123456+01:00'));
    self::assertNull(RunEvent::seconds('yesterday or so'));
    self::assertNull(RunEvent::seconds(NULL));
  }

  /**
   * Returns the statuses in the order of the vectors.
   */
  private static function sorted(): array {
    $order = array_keys(self::vectors('events')['job_statuses']);
    $known = RunEvent::JOB_STATUSES;
    usort($known, static fn (string $a, string $b): int => array_search($a, $order, TRUE) <=> array_search($b, $order, TRUE));
    return $known;
  }

}
